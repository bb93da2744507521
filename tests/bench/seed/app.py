"""The seed's stack, small: FastAPI takes an array of readings and stores it with SQLAlchemy's bulk insert (ENGINE=bulk) or asyncpg's COPY (ENGINE=copy)."""
import datetime
import os

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
ENGINE, DSN = os.environ.get("ENGINE", "bulk"), os.environ["DSN"]


class Reading(BaseModel):
    sensor_id: str
    value: float
    unit: str
    timestamp: datetime.datetime


if ENGINE == "bulk":
    import sqlalchemy as sa
    from sqlalchemy.orm import Session, declarative_base

    Base = declarative_base()

    class Row(Base):
        __tablename__ = "sensor_reading"
        sensor_id = sa.Column(sa.String(64), primary_key=True)
        timestamp = sa.Column(sa.DateTime(timezone=True), primary_key=True)
        value = sa.Column(sa.Float)
        unit = sa.Column(sa.String(16))

    engine = sa.create_engine(DSN.replace("postgresql://", "postgresql+psycopg2://"), pool_size=8, max_overflow=8)

    @app.post("/api/v1/batch/readings")
    def batch(readings: list[Reading]):
        with Session(engine) as session:
            session.bulk_insert_mappings(Row, [r.dict() for r in readings])
            session.commit()
        return {"stored": len(readings)}
else:
    import asyncpg

    pool = None

    @app.on_event("startup")
    async def connect():
        global pool
        pool = await asyncpg.create_pool(DSN, min_size=2, max_size=8)

    @app.post("/api/v1/batch/readings")
    async def batch(readings: list[Reading]):
        async with pool.acquire() as connection:
            await connection.copy_records_to_table("sensor_reading", columns=["sensor_id", "timestamp", "value", "unit"],
                                                   records=[(r.sensor_id, r.timestamp, r.value, r.unit) for r in readings])
        return {"stored": len(readings)}

-- When a sensor's values are worth an alarm (ISA-18.2), in its unit; NULL: not watched.

ALTER TABLE registry.sensor
    ADD COLUMN low_low     double precision,
    ADD COLUMN low         double precision,
    ADD COLUMN high        double precision,
    ADD COLUMN high_high   double precision,
    ADD COLUMN hysteresis  double precision CHECK (hysteresis >= 0),
    ADD COLUMN on_delay_s  double precision CHECK (on_delay_s BETWEEN 0 AND 86400),
    ADD COLUMN off_delay_s double precision CHECK (off_delay_s BETWEEN 0 AND 86400);

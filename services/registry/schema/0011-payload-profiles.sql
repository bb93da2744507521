-- How a device packs readings into bytes (libs/ingest/payload_profile.h says what stands in it).
ALTER TABLE registry.device ADD COLUMN payload_profile text;

LIBS            += ingest
ingest.sources  := batch_builder.c batch_publish.c batch_ticket.c body_codec.c cbor_scan.c change_marks.c codec_binary.c codec_cayenne.c codec_compact.c codec_compact_cbor.c codec_csv.c codec_influx.c \
                   codec_json.c codec_protobuf.c codec_senml.c codec_senml_cbor.c codec_thingsboard.c codec_value.c credential.c directory.c \
                   directory_ask.c directory_devices.c directory_events.c directory_sensors.c directory_table.c \
                   failure_gate.c gap_event.c gather.c gather_batch.c intake.c json_scan.c payload_profile.c provenance.c raw_list.c refusal.c senml.c sensor_list.c sequence_gaps.c sequence_mark.c sequence_state.c \
                   time_rule.c unit.c unit_table.c
ingest.sources  += device_body.c kept_body.c directory_profiles.c
ingest.needs    := base wire bus rpc auth metrics

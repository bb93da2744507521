LIBS            += ingest
ingest.sources  := codec_json.c codec_senml.c json_scan.c raw_list.c time_rule.c unit.c unit_table.c
ingest.needs    := base wire bus rpc auth metrics

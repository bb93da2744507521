LIBS                += transcode
transcode.sources   := check.c field_convert.c field_rules.c field_value.c geojson.c json_object.c json_read.c json_tree.c json_write.c manual.c openapi_document.c openapi_schema.c
transcode.generated := proto_manual.c
transcode.packages  := libcjson
transcode.needs     := base wire

SERVICES        += gateway
# Every file of the folders: a new route, layer or stream needs no line here.
gateway.sources := $(patsubst services/gateway/%,%,$(sort $(wildcard services/gateway/*.c services/gateway/*/*.c)))
gateway.assets  := docs_page.html
gateway.libs    := service cache http transcode ingest rpc auth wire bus metrics base

#include "registry.h"

const struct rpc_method assets_methods[] = {
    { "ListAssets", asset_list },
    { "CreateAsset", asset_create },
    { "GetAsset", asset_get },
    { "UpdateAsset", asset_update },
    { "DeleteAsset", asset_delete },
    { "ListNetworks", network_list },
    { "GetNetwork", network_get },
    { "MapNetwork", network_map },
    { "DeleteNetwork", network_delete },
    { "PutUploadPart", upload_put },
    { "ImportNetwork", network_import },
    { 0 },
};

#include "service/service_internal.h"

enum { EXIT_AS_CONFIG = 78, EXIT_AS_SOFTWARE = 70 }; /* sysexits.h: EX_CONFIG, EX_SOFTWARE */

/* Not ok without an error: told to stop before it had started. */
int service_exit(bool ok, const struct err *err)
{
    if (ok || err->kind == ERR_NONE) {
        log_info(NULL, "service.stopped");
        return 0;
    }
    log_error(NULL, "service.failed", LOG_TEXT("kind", err_kind_name(err->kind)), LOG_ERR(err));
    return err->kind == ERR_CONFIG ? EXIT_AS_CONFIG : EXIT_AS_SOFTWARE;
}

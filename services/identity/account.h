/* What an account may look like: decisions, no I/O. */
#pragma once
#include "base/compiler.h"

enum { LONGEST_EMAIL = 254, LONGEST_NAME = 200, MOST_ROLES = 8, LONGEST_ROLE = 40 };

/* NULL, or what is wrong with it. */
const char *account_email_fault(const char *email);
/* A built-in role for a person: known, and not one for machines. */
MUST_CHECK bool account_role_is_built_in(const char *role);
/* 2 to 40 lower-case letters, digits, - and _, a letter first, and not the name of a built-in role. */
MUST_CHECK bool account_role_name_is_good(const char *name);
/* Letters, digits, - and _. */
MUST_CHECK bool account_tenant_code_is_good(const char *code);

/* nation 0, region 1, utility 2; -1 for another text. */
int account_tenant_rank(const char *level);

/* What an account may look like and who may grant what: decisions, no I/O. */
#pragma once
#include "base/compiler.h"

enum { LEAST_PASSWORD = 12, LONGEST_PASSWORD = 256, LONGEST_EMAIL = 254, LONGEST_NAME = 200, MOST_ROLES = 8 };

/* NULL, or what is wrong with it. */
const char *account_email_fault(const char *email);
const char *account_password_fault(const char *password);
/* For a person: known, and not one for machines. */
MUST_CHECK bool account_role_exists(const char *role);
/* Nobody grants more than they may do themselves: a role is granted only by who has every permission of it. */
MUST_CHECK bool account_may_grant(const char *permissions, const char *role);
/* Letters, digits, - and _. */
MUST_CHECK bool account_tenant_code_is_good(const char *code);

SERVICES         += identity
identity.sources := main.c settings.c account.c api_key_api.c api_key_store.c assignment.c bootstrap.c common_words.c \
                    identity_api.c keeper.c key_api.c key_rotation.c key_store.c lockout.c lockout_store.c login_api.c \
                    mfa_api.c mfa_store.c password_api.c password_gate.c password_rule.c people.c places.c revocation_api.c \
                    revocation_store.c role_api.c role_store.c session_api.c session_store.c tenant_api.c \
                    tenant_state_api.c tenant_store.c token_issue.c user_account.c user_api.c user_state_api.c user_store.c
identity.libs    := service rpc auth store bus wire metrics base

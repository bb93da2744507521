SERVICES         += identity
identity.sources := main.c settings.c account.c bootstrap.c identity_api.c keeper.c key_rotation.c key_store.c lockout.c \
                    lockout_store.c password_gate.c session_api.c session_store.c tenant_api.c tenant_store.c \
                    user_api.c user_store.c
identity.libs    := service rpc auth store bus wire metrics base

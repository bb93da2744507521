LIBS          += auth
auth.sources  := access_token.c base64url.c device_token.c digest.c grants.c hmac.c jwt_form.c password.c permission.c permission_catalogue.c secret_box.c signing_key.c \
                 token_cache.c totp.c
auth.packages := libjwt libargon2 libcrypto
auth.needs    := base

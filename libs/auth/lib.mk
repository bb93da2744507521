LIBS          += auth
auth.sources  := access_token.c base64url.c digest.c grants.c hmac.c password.c permission.c permission_catalogue.c secret_box.c signing_key.c \
                 token_cache.c totp.c
auth.packages := libjwt libargon2 libcrypto
auth.needs    := base

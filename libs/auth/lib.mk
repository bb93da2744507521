LIBS          += auth
auth.sources  := access_token.c base64url.c digest.c password.c permission.c secret_box.c signing_key.c token_cache.c
auth.packages := libjwt libargon2 libcrypto
auth.needs    := base

-- Public keys with which devices sign tokens of their own (kind jwt): found by the hash of the key, kept wrapped as other keys are.
ALTER TABLE registry.credential
    DROP CONSTRAINT credential_kind_check,
    DROP CONSTRAINT credential_key,
    ADD CONSTRAINT credential_kind_check CHECK (kind IN ('token', 'psk', 'x509', 'lorawan', 'phone', 'jwt')),
    ADD CONSTRAINT credential_key CHECK ((kind IN ('psk', 'lorawan', 'jwt')) = (wrapped IS NOT NULL));

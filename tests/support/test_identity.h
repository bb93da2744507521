/* A key and a certificate signed by itself, made on the spot, also as files; for the tests of TLS. */
#pragma once
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* after the four that it needs */
#include <cmocka.h>

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
    char key_file[64], certificate_file[64];
};

static inline void write_pem(char path[64], const char *name, struct identity *identity, bool is_key)
{
    snprintf(path, 64, "/tmp/nwims-net-test-%d-%s", (int)getpid(), name);
    BIO *file = BIO_new_file(path, "w");
    assert_non_null(file);
    assert_int_equal(is_key ? PEM_write_bio_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL)
                            : PEM_write_bio_X509(file, identity->certificate),
        1);
    BIO_free(file);
}

static inline void identity_make(struct identity *identity, const char *name)
{
    char file[32];
    identity->key = EVP_EC_gen("P-256");
    identity->certificate = X509_new();
    assert_true(identity->key && identity->certificate);
    X509_set_version(identity->certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(identity->certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(identity->certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(identity->certificate), 3600);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(identity->certificate), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(identity->certificate, X509_get_subject_name(identity->certificate));
    X509_set_pubkey(identity->certificate, identity->key);
    assert_true(X509_sign(identity->certificate, identity->key, EVP_sha256()) > 0);
    snprintf(file, sizeof file, "%s.key", name);
    write_pem(identity->key_file, file, identity, true);
    snprintf(file, sizeof file, "%s.pem", name);
    write_pem(identity->certificate_file, file, identity, false);
}

static inline void identity_done(struct identity *identity)
{
    unlink(identity->key_file);
    unlink(identity->certificate_file);
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

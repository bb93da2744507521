#include "base/clock.h"
#include "net/net_internal.h"
#include "net/net_ticket.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* Forward secrecy wherever the peer can; plain PSK for modems that know nothing else. */
#define CIPHERS_OF_12                                                                                                  \
    "ECDHE+AESGCM:ECDHE+CHACHA20:kECDHEPSK+AES:kPSK+AESGCM:kPSK+CHACHA20:PSK-AES128-CCM:PSK-AES128-CCM8:"              \
    "PSK-AES128-CBC-SHA256:PSK-AES256-CBC-SHA384"
/* Pre-shared keys go with SHA-256 (RFC 8446, 4.2.11): its suites first, or they would be passed over. */
#define SUITES_OF_13 "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
enum { PATH_SIZE = 512, LONGEST_IDENTITY = 128 };

struct net_tls {
    char certificate_file[PATH_SIZE], key_file[PATH_SIZE];
    struct net_tls_config config;
    struct ticket_secret ticket_secret;
    pthread_mutex_t lock; /* for context, which net_tls_reload replaces */
    SSL_CTX *context;
};

static void ssl_ctx_auto(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}

/* OpenSSL's reason for what just failed. */
static bool fail(struct err *err, const char *what)
{
    char text[120];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return err_set(err, ERR_CONFIG, "%s: %s", what, text);
}

/* Any certificate will do: its key is proven by the handshake, and whose it is the fingerprint tells. */
static int take_any_certificate(int is_valid, X509_STORE_CTX *store)
{
    (void)is_valid, (void)store;
    return 1;
}

/* Marks the sessions that a pre-shared key has made. */
static int psk_session_index(void)
{
    static atomic_int index = -1;
    int known = atomic_load(&index);
    if (known < 0) {
        known = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL);
        atomic_store(&index, known);
    }
    return known;
}

static size_t find_key(SSL *ssl, const char *identity, unsigned char *key, size_t key_size)
{
    const struct net_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (!identity || strnlen(identity, LONGEST_IDENTITY + 1) > LONGEST_IDENTITY)
        return 0;
    size_t size = tls->config.psk(tls->config.psk_context, identity, key, key_size);
    return size <= key_size ? size : 0;
}

/* TLS 1.2, within the key exchange. Set beside on_psk_13 it also makes OpenSSL prefer the suites that such keys need.
 */
static unsigned on_psk(SSL *ssl, const char *identity, unsigned char *key, unsigned key_size)
{
    return SSL_version(ssl) == TLS1_3_VERSION ? 0 : (unsigned)find_key(ssl, identity, key, key_size);
}

static SSL_SESSION *session_of_key(SSL *ssl, const unsigned char *key, size_t size)
{
    static const unsigned char aes_128_gcm_sha256[] = { 0x13, 0x01 };
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, aes_128_gcm_sha256);
    if (session && cipher && SSL_SESSION_set1_master_key(session, key, size) == 1 &&
        SSL_SESSION_set_cipher(session, cipher) == 1 &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1 &&
        SSL_SESSION_set_ex_data(session, psk_session_index(), ssl) == 1)
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

/* TLS 1.3, from the first message: that the peer has the key is not proven yet, and when the suites do not fit the
 * handshake goes on without it. So the identity only waits here; see keep_identity. */
static int on_psk_13(SSL *ssl, const unsigned char *identity, size_t identity_size, SSL_SESSION **out_session)
{
    struct net_connection *connection = SSL_get_app_data(ssl);
    unsigned char key[SSL_MAX_MASTER_KEY_LENGTH];
    char text[LONGEST_IDENTITY + 1];
    *out_session = NULL;
    if (identity_size == 0 || identity_size > LONGEST_IDENTITY || memchr(identity, '\0', identity_size))
        return 1; /* a ticket, say */
    memcpy(text, identity, identity_size);
    text[identity_size] = '\0';
    size_t size = find_key(ssl, text, key, sizeof key);
    if (size == 0)
        return 1;
    free(connection->psk_identity);
    connection->psk_identity = strdup(text);
    *out_session = connection->psk_identity ? session_of_key(ssl, key, size) : NULL;
    OPENSSL_cleanse(key, sizeof key);
    SSL_set_num_tickets(ssl, 0); /* a session resumed by a ticket would have no identity */
    return 1;
}

/* After the handshake: who the peer is by the key that was really used, if one was. */
static void keep_identity(struct net_connection *connection)
{
    SSL *ssl = connection->ssl;
    if (SSL_version(ssl) == TLS1_3_VERSION) {
        const SSL_SESSION *session = SSL_get_session(ssl);
        bool is_proven = session && SSL_session_reused(ssl) && SSL_SESSION_get_ex_data(session, psk_session_index());
        if (is_proven)
            return;
        free(TAKE(connection->psk_identity));
    } else if (SSL_get_psk_identity(ssl)) {
        connection->psk_identity = strdup(SSL_get_psk_identity(ssl));
    }
}

static bool load_certificate(SSL_CTX *context, const struct net_tls *tls, struct err *err)
{
    if (tls->certificate_file[0] == '\0')
        return tls->config.psk || err_set(err, ERR_CONFIG, "TLS needs a certificate or pre-shared keys");
    if (SSL_CTX_use_certificate_chain_file(context, tls->certificate_file) != 1)
        return fail(err, tls->certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return fail(err, tls->key_file);
    return true;
}

/* 1: done; 2: done, and the ticket wants another; 0: without, the handshake goes on; -1: it fails. None for a
 * pre-shared key: whether it still holds must be asked each time, and its handshake costs little. */
static int on_ticket(
    SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_given_out)
{
    const struct net_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    int64_t now_s = clock_now_us() / 1000000;
    if (is_given_out) {
        if (SSL_get_psk_identity(ssl))
            return 0;
        return ticket_seal(&tls->ticket_secret, now_s, name, iv, cipher, mac) ? 1 : -1;
    }
    enum ticket_age age = ticket_open(&tls->ticket_secret, now_s, name, iv, cipher, mac);
    if (age == TICKET_UNKNOWN)
        return 0;
    /* With 1.3 a ticket is for one time (RFC 8446, C.4), and clients throw it away. */
    return age == TICKET_OLD || SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1;
}

/* Sessions are resumed by tickets, which cost us no memory. */
static bool make_context(SSL_CTX **out_context, struct net_tls *tls, struct err *err)
{
    static const unsigned char session_context[] = "nwims";
    __attribute__((cleanup(ssl_ctx_auto))) SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, CIPHERS_OF_12) != 1 || SSL_CTX_set_ciphersuites(context, SUITES_OF_13) != 1)
        return fail(err, "TLS");
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(
        context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context, TICKET_KEY_S);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
    SSL_CTX_set_app_data(context, tls);
    if (tls->config.asks_for_certificate)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, take_any_certificate);
    if (tls->config.psk) {
        psk_session_index();
        SSL_CTX_set_psk_server_callback(context, on_psk);
        SSL_CTX_set_psk_find_session_callback(context, on_psk_13);
    }
    if (!load_certificate(context, tls, err))
        return false;
    *out_context = TAKE(context);
    return true;
}

bool net_tls_open(struct net_tls **out_tls, const struct net_tls_config *config, struct err *err)
{
    AUTO(net_tls) tls = calloc(1, sizeof *tls);
    if (!tls)
        return err_set(err, ERR_LIMIT, "no memory for TLS");
    pthread_mutex_init(&tls->lock, NULL);
    tls->config = *config;
    tls->config.ticket_secret = NULL; /* only borrowed */
    if (!ticket_secret_init(&tls->ticket_secret, config->ticket_secret))
        return fail(err, "the secret of tickets");
    if (strlen(config->certificate_file) >= PATH_SIZE || strlen(config->key_file) >= PATH_SIZE)
        return err_set(err, ERR_CONFIG, "the path of the certificate or of its key is too long");
    memcpy(tls->certificate_file, config->certificate_file, strlen(config->certificate_file));
    memcpy(tls->key_file, config->key_file, strlen(config->key_file));
    if (!make_context(&tls->context, tls, err))
        return false;
    *out_tls = TAKE(tls);
    return true;
}

void net_tls_close(struct net_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    OPENSSL_cleanse(&tls->ticket_secret, sizeof tls->ticket_secret);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

bool net_tls_reload(struct net_tls *tls, struct err *err)
{
    SSL_CTX *context = NULL;
    if (!make_context(&context, tls, err))
        return false;
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old); /* connections that use it hold it */
    return true;
}

/* ---- one connection ---- */
bool net_tls_begin(struct net_connection *connection, struct net_tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    connection->ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    if (!connection->ssl)
        return false;
    SSL_set_app_data(connection->ssl, connection);
    SSL_set_accept_state(connection->ssl);
    return SSL_set_fd(connection->ssl, connection->fd) == 1;
}

static enum net_io result_of(struct net_connection *connection, int result)
{
    int reason = SSL_get_error(connection->ssl, result);
    ERR_clear_error();
    connection->wants_write = reason == SSL_ERROR_WANT_WRITE;
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
        return NET_AGAIN;
    return reason == SSL_ERROR_ZERO_RETURN || reason == SSL_ERROR_SYSCALL ? NET_CLOSED : NET_FAILED;
}

enum net_io net_tls_handshake(struct net_connection *connection)
{
    ERR_clear_error();
    int result = SSL_do_handshake(connection->ssl);
    if (result != 1)
        return result_of(connection, result);
    connection->wants_write = false;
    keep_identity(connection);
    return NET_DONE;
}

enum net_io net_tls_read(struct net_connection *connection, unsigned char *bytes, size_t size, size_t *out_size)
{
    ERR_clear_error();
    int result = SSL_read_ex(connection->ssl, bytes, size, out_size);
    return result == 1 ? NET_DONE : result_of(connection, result);
}

enum net_io net_tls_write(struct net_connection *connection, const char *bytes, size_t size, size_t *out_size)
{
    ERR_clear_error();
    int result = SSL_write_ex(connection->ssl, bytes, size, out_size);
    return result == 1 ? NET_DONE : result_of(connection, result);
}

bool net_tls_has_pending(const struct net_connection *connection)
{
    return SSL_pending(connection->ssl) > 0;
}

void net_tls_end(struct net_connection *connection)
{
    if (!connection->ssl)
        return;
    ERR_clear_error();
    if (SSL_is_init_finished(connection->ssl) && connection->end != NET_END_HANDSHAKE)
        SSL_shutdown(connection->ssl); /* says goodbye; the answer is not waited for */
    ERR_clear_error();
    SSL_free(TAKE(connection->ssl));
}

bool net_is_tls(const struct net_connection *connection)
{
    return connection->ssl != NULL;
}

const char *net_psk_identity(const struct net_connection *connection)
{
    return connection->psk_identity;
}

bool net_fingerprint(const struct net_connection *connection, unsigned char fingerprint[NET_FINGERPRINT_SIZE])
{
    unsigned size = 0;
    X509 *certificate = connection->ssl ? SSL_get0_peer_certificate(connection->ssl) : NULL;
    return certificate && X509_digest(certificate, EVP_sha256(), fingerprint, &size) == 1 &&
           size == NET_FINGERPRINT_SIZE;
}

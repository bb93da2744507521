#include "http/http_client.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http_client {
    CURL *handle;
    struct buffer *body; /* during a call */
    char error[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool library_is_ready;

static void start_library(void)
{
    library_is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool http_client_open(struct http_client **out_client, struct err *err)
{
    pthread_once(&once, start_library);
    struct http_client *client = library_is_ready ? calloc(1, sizeof *client) : NULL;
    if (client)
        client->handle = curl_easy_init();
    if (!client || !client->handle) {
        free(client);
        return err_set(err, ERR_LIMIT, "no memory for an HTTP client");
    }
    *out_client = client;
    return true;
}

void http_client_close(struct http_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->handle);
    free(client);
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct http_client *client = context;
    if (!client->body)
        return size * count;
    buffer_put(client->body, data, size * count);
    return buffer_ok(client->body) ? size * count : 0;
}

static bool is_local(const char *url)
{
    return strncmp(url, "http://127.", 11) == 0 || strncmp(url, "http://localhost", 16) == 0;
}

static bool add_header(struct curl_slist **list, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*list, header);
    if (longer)
        *list = longer;
    return longer;
}

/* "Expect:" off: curl would wait a second for servers that do not know it. */
static bool make_headers(const struct http_call *call, struct curl_slist **out_list)
{
    bool ok = add_header(out_list, "Expect:");
    for (size_t i = 0; ok && call->headers && call->headers[i]; i++)
        ok = add_header(out_list, call->headers[i]);
    return ok;
}

static void set_options(struct http_client *client, const struct http_call *call, struct curl_slist *headers)
{
    CURL *handle = client->handle;
    curl_easy_reset(handle); /* keeps the connection */
    curl_easy_setopt(handle, CURLOPT_URL, call->url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L); /* its time-outs would use SIGALRM */
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, client->error);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "nwims");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, client);
    if (is_local(call->url))
        curl_easy_setopt(handle, CURLOPT_PROXY, "");
    if (call->body) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call->body);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->size);
    }
    if (strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call->method);
}

static bool translate(struct http_client *client, const struct http_call *call, CURLcode code, struct err *err)
{
    const char *text = *client->error ? client->error : curl_easy_strerror(code);
    switch (code) {
    case CURLE_OK:
        return true;
    case CURLE_WRITE_ERROR:
        return err_set(err, ERR_LIMIT, "%s: the answer is too long", call->url);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(err, ERR_INPUT, "%s: %s", call->url, text);
    default:
        return err_set(err, ERR_TRANSIENT, "%s: %s", call->url, text);
    }
}

bool http_client_call(
    struct http_client *client, const struct http_call *call, int *out_status, struct buffer *out_body, struct err *err)
{
    struct curl_slist *headers = NULL;
    long status = 0;
    client->error[0] = '\0';
    client->body = out_body;
    bool ok = make_headers(call, &headers) || err_set(err, ERR_LIMIT, "no memory for headers");
    if (ok) {
        set_options(client, call, headers);
        ok = translate(client, call, curl_easy_perform(client->handle), err);
    }
    if (ok && curl_easy_getinfo(client->handle, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        *out_status = (int)status;
    curl_slist_free_all(headers);
    client->body = NULL;
    return ok;
}

const char *http_client_header(struct http_client *client, const char *name)
{
    struct curl_header *header;
    return curl_easy_header(client->handle, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

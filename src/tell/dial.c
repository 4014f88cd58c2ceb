/* Connections by libcurl: as many bounds as an HTTP request of ours has (connect/fetch.c). */
#include <sys/socket.h>

#include "base/utf8.h"
#include "connect/public.h"
#include "tell/internal.h"

static curl_socket_t open_public(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)ctx;
    (void)purpose;
    if (!address_is_public(&address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int is_stopped(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct tell_job *job = ctx;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return job->stop;
}

void tell_dial(CURL *easy, struct tell_job *job, bool inside, char detail[CURL_ERROR_SIZE])
{
    struct curl_blob ca = {.data = job->ca.data, .len = job->ca.len, .flags = CURL_BLOB_NOCOPY};
    detail[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)TELL_TOTAL_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TELL_TOTAL_MS);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, is_stopped);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, job);
    if (ca.len > 0)
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
    if (!inside)
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_public);
}

int tell_dial_failed(CURLcode code, const char *detail, struct err *err)
{
    char text[CURL_ERROR_SIZE];
    return err_set(err, ERR_NET, "%s",
                   text_escape_into(text, sizeof(text), span_str(detail[0] ? detail : curl_easy_strerror(code))));
}

/*
 * Requests that a member has signed, for wrk: a line each, PATH Signature-Input Signature Tongzhou-To, separated by tabs.
 *
 *   bench_signed DIR URL TO COUNT < PATHS
 *
 * DIR: the signer's folder; its operator signs. TO: the origin of the node at URL. PATHS: taken by turns until there are COUNT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/codec.h"
#include "base/random.h"
#include "record/http_sig.h"
#include "state/author.h"

#define PATHS_MAX 65536
#define PATH_BYTES 256

static char paths[PATHS_MAX][PATH_BYTES];

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "bench_signed: %s\n", what);
    exit(1);
}

static size_t read_paths(void)
{
    size_t count = 0;
    while (count < PATHS_MAX && fgets(paths[count], PATH_BYTES, stdin)) {
        paths[count][strcspn(paths[count], "\n")] = '\0';
        count += paths[count][0] == '/';
    }
    return count;
}

static bool field_to(void *ctx, struct span name, struct buf *out)
{
    buf_span(out, buf_view(ctx));
    return span_is(name, "tongzhou-to");
}

static void sign(struct store *store, const struct log_info *log, const char *url, struct buf *to, const char *path)
{
    struct http_sig_message message = {.method = SPAN_LIT("GET"), .field = field_to, .ctx = to};
    char address[1024], authority[HTTP_SIG_AUTHORITY_MAX + 1], nonce[BASE64_LEN(18) + 1], text[BASE64_LEN(64) + 1];
    uint8_t random[18], signature[64];
    struct buf keyid, input, base;
    struct err err = {0};
    snprintf(address, sizeof(address), "%s%s", url, path);
    buf_init(&keyid, HTTP_SIG_FIELD_MAX);
    buf_init(&input, HTTP_SIG_FIELD_MAX);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    http_sig_keyid(span_str(log->origin), &keyid);
    random_bytes(random, sizeof(random));
    base64_encode(random, sizeof(random), nonce);
    int64_t now_s = (int64_t)time(NULL);
    struct http_sig_draft draft = {buf_view(&keyid), now_s, now_s + 250, span_str(nonce), false};
    if (!http_sig_url(span_str(address), authority, &message) ||
        http_sig_prepare(&draft, &message, &input, &base, &err) < 0 ||
        author_sign_request(store, log->number, buf_view(&base), signature, &err) < 0)
        give_up(err.text);
    base64_encode(signature, sizeof(signature), text);
    printf("%s\t%s\t" HTTP_SIG_TAG "=:%s:\t%s\n", path, buf_cstr(&input), text, buf_cstr(to));
    buf_done(&keyid);
    buf_done(&input);
    buf_done(&base);
}

int main(int argc, char **argv)
{
    struct store *store;
    struct log_info log;
    struct buf to;
    struct err err = {0};
    struct store_options options = {.read_only = true};
    uint64_t count;
    if (argc != 5 || !span_u64(span_str(argv[4]), 10000000, &count))
        give_up("DIR URL TO COUNT < PATHS");
    size_t path_count = read_paths();
    if (path_count == 0)
        give_up("no paths");
    buf_init(&to, HTTP_SIG_FIELD_MAX);
    http_sig_keyid(span_str(argv[3]), &to);
    if (store_open(argv[1], &options, &store, &err) < 0 || store_operator(store, &log, &err) < 0)
        give_up(err.text);
    for (uint64_t i = 0; i < count; i++)
        sign(store, &log, argv[2], &to, paths[i % path_count]);
    store_close(store);
    buf_done(&to);
    return 0;
}

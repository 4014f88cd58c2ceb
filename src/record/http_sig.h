/*
 * HTTP message signatures (RFC 9421) over requests, by Ed25519: parsing and writing Signature-Input and Signature, and
 * the bytes that are signed. Pure; any bytes are harmless.
 *
 * Of structured fields (RFC 8941) exactly what these two fields need is read, and only in the form in which its writers
 * must serialise it, since the text of the parameters is signed as it stands: so nothing is parsed and written again.
 * Parameters of components (`sf`, `bs`, `key`, `req`, `tr`, `name`) are refused, unknown parameters of a signature are
 * well-formed and passed over.
 */
#ifndef TONGZHOU_RECORD_HTTP_SIG_H
#define TONGZHOU_RECORD_HTTP_SIG_H

#include "base/buf.h"
#include "tlog/note.h"

#define HTTP_SIG_FIELD_MAX 4096    /* bytes of one of the two fields */
#define HTTP_SIG_LABELS_MAX 8      /* signatures in a request */
#define HTTP_SIG_COMPONENTS_MAX 16 /* of one signature */
#define HTTP_SIG_PARAMS_MAX 16
#define HTTP_SIG_BASE_MAX                                                                                              \
    32768 /* bytes that are signed: path and query are at most HTTP_URL_MAX, twice with @target-uri */

#define HTTP_SIG_TAG "tongzhou"
#define HTTP_SIG_HOOK "tongzhou-hook" /* no node takes such a one for a member's request */

/* What a request is, as far as signatures can cover it. */
struct http_sig_message {
    struct span method;
    struct span scheme;    /* "http", "https" */
    struct span authority; /* as http_sig_authority makes it */
    struct span path;      /* with its leading slash, as sent */
    struct span query;     /* without '?', as sent */
    bool has_query;        /* there was a '?' */
    /* Append a field's value by its lower-case name, lines joined by ", "; false: there is none. NULL: no fields. */
    bool (*field)(void *ctx, struct span name, struct buf *out);
    void *ctx;
};

struct http_sig {
    struct span label;
    struct span component[HTTP_SIG_COMPONENTS_MAX]; /* names, without quotes */
    size_t component_count;
    struct span params; /* the inner list with its parameters, as it is signed */
    bool has_created, has_expires;
    int64_t created, expires;           /* seconds */
    struct span nonce, alg, keyid, tag; /* .data NULL when absent */
    uint8_t signature[ED25519_SIG];
};

/*
 * The first signature with this tag (.data NULL: the first of all); spans borrow the fields.
 * 1 and *ret; 0 there is none with it; ERR_SYNTAX, ERR_LIMIT what stands where, found and allowed.
 */
int http_sig_find(struct span input, struct span signature, struct span tag, struct http_sig *ret, struct err *err);

bool http_sig_covers(const struct http_sig *sig, const char *component);

/* Append the bytes that are signed. ERR_SYNTAX a component that is not known, or not there; ERR_LIMIT. */
int http_sig_base(const struct http_sig *sig, const struct http_sig_message *message, struct buf *out, struct err *err);

/* ---- writing ---- */

struct http_sig_draft {
    struct span keyid; /* of harmless characters, see http_sig_keyid */
    int64_t created, expires;
    struct span nonce;
    bool is_hook; /* notices, for whoever they are sent to: tag HTTP_SIG_HOOK, content instead of "tongzhou-to" */
};

/*
 * A member's request before it is signed: method, authority, path, query and the field "tongzhou-to", which `message` must
 * give; of a hook's instead "content-type" and "content-digest". Append the value of Signature-Input and the bytes to be
 * signed; the value of Signature is HTTP_SIG_TAG "=:" BASE64 ":".
 */
int http_sig_prepare(const struct http_sig_draft *draft, const struct http_sig_message *message, struct buf *out_input,
                     struct buf *out_base, struct err *err);

/* ---- parts ---- */

/* An origin as `keyid`: ASCII as it is, other bytes as %XX in upper case. And back; false if it is not exactly that. */
void http_sig_keyid(struct span origin, struct buf *out);
bool http_sig_origin(struct span keyid, struct buf *out);

/* RFC 9421 section 2.2.3: lower case, without the scheme's own port. `out` is cleared. False: no host, or too long. */
#define HTTP_SIG_AUTHORITY_MAX 262 /* bytes: a DNS name, ':' and a port, with room */
bool http_sig_authority(struct span scheme, struct span host, char out[HTTP_SIG_AUTHORITY_MAX + 1]);

/* Scheme, authority (normalised), path and query of an absolute URL; the path of none is "/". False: no such URL. */
bool http_sig_url(struct span url, char authority[HTTP_SIG_AUTHORITY_MAX + 1], struct http_sig_message *ret);

/* "sha-256=:...:" of `body`, appended. */
void http_digest_write(struct span body, struct buf *out);

/* RFC 9530: is `body` what this Content-Digest says (one sha-256 among its members)? */
bool http_digest_holds(struct span field, struct span body);

#endif

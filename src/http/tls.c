#include "http/tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "http/watch.h"

#define CHAIN_MAX 16 /* certificates, the server's own first */
#define KEY_ID_MAX 64
#define RETIRED_MS 600000 /* a handshake takes 30 s at most (http/watch.h), so nobody uses what retired before */

struct identity {
    struct identity *next;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    int64_t ends_ms;
    int64_t retired_ms;
};

struct tls {
    const char *cert_path, *key_path;
    pthread_mutex_t lock;
    struct identity *current, *retired;
};

static struct tls *speaking; /* GnuTLS hands nothing through to its callback */

static void identity_free(struct identity *identity)
{
    if (!identity)
        return;
    for (unsigned i = 0; i < identity->count; i++)
        gnutls_pcert_deinit(&identity->chain[i]);
    if (identity->key)
        gnutls_privkey_deinit(identity->key);
    free(identity);
}

static int failed(int code, const char *path, const char *what, struct err *err)
{
    return code == GNUTLS_E_MEMORY_ERROR ? err_memory(err)
                                         : err_set(err, ERR_SYNTAX, "%s: %s: %s", path, what, gnutls_strerror(code));
}

static int check_file(const char *path, bool is_secret, struct err *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return err_sys(err, "%s", path);
    if (is_secret && (st.st_mode & S_IRWXO) != 0)
        return err_set(err, ERR_REFUSED, "%s: everybody on this machine can read this key: chmod o= it", path);
    return 0;
}

static int read_key(struct identity *identity, const char *path, struct err *err)
{
    gnutls_datum_t bytes = {0};
    int rc = check_file(path, true, err);
    if (rc)
        return rc;
    int code = gnutls_load_file(path, &bytes);
    if (code < 0)
        return failed(code, path, "not read", err);
    code = gnutls_privkey_init(&identity->key);
    if (code == 0)
        code = gnutls_privkey_import_x509_raw(identity->key, &bytes, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(bytes.data, 0, bytes.size);
    gnutls_free(bytes.data);
    return code < 0 ? failed(code, path, "no private key in PEM", err) : 0;
}

static int check_pair(const struct identity *identity, const struct tls *tls, struct err *err)
{
    uint8_t of_cert[KEY_ID_MAX], of_key[KEY_ID_MAX];
    size_t cert_len = sizeof(of_cert), key_len = sizeof(of_key);
    gnutls_pubkey_t public;
    int code = gnutls_pubkey_init(&public);
    if (code < 0)
        return failed(code, tls->key_path, "public key", err);
    code = gnutls_pubkey_import_privkey(public, identity->key, 0, 0);
    if (code == 0)
        code = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_len);
    if (code == 0)
        code = gnutls_pubkey_get_key_id(identity->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_cert, &cert_len);
    gnutls_pubkey_deinit(public);
    if (code < 0)
        return failed(code, tls->key_path, "public key", err);
    if (cert_len != key_len || memcmp(of_cert, of_key, key_len) != 0)
        return err_set(err, ERR_VERIFY, "%s is not the key of the first certificate in %s", tls->key_path,
                       tls->cert_path);
    return 0;
}

static int identity_read(const struct tls *tls, struct identity **ret, struct err *err)
{
    struct identity *identity = calloc(1, sizeof(*identity));
    if (!identity)
        return err_memory(err);
    int rc = check_file(tls->cert_path, false, err);
    unsigned count = CHAIN_MAX;
    if (!rc) {
        int code = gnutls_pcert_list_import_x509_file(identity->chain, &count, tls->cert_path, GNUTLS_X509_FMT_PEM,
                                                      NULL, NULL, 0);
        if (code < 0)
            rc = failed(code, tls->cert_path, "no certificates in PEM", err);
        else
            identity->count = count;
    }
    if (!rc && identity->count == 0)
        rc = err_set(err, ERR_SYNTAX, "%s: no certificate in it", tls->cert_path);
    if (!rc)
        rc = tls_certificate_ends(tls->cert_path, &identity->ends_ms, err);
    if (!rc)
        rc = read_key(identity, tls->key_path, err);
    if (!rc)
        rc = check_pair(identity, tls, err);
    if (rc)
        identity_free(identity);
    else
        *ret = identity;
    return rc;
}

int tls_certificate_ends(const char *cert_path, int64_t *ret_ms, struct err *err)
{
    gnutls_datum_t bytes = {0};
    gnutls_x509_crt_t cert;
    int code = gnutls_load_file(cert_path, &bytes);
    if (code < 0)
        return failed(code, cert_path, "not read", err);
    code = gnutls_x509_crt_init(&cert);
    if (code == 0) {
        code = gnutls_x509_crt_import(cert, &bytes, GNUTLS_X509_FMT_PEM);
        if (code == 0)
            *ret_ms = (int64_t)gnutls_x509_crt_get_expiration_time(cert) * 1000;
        gnutls_x509_crt_deinit(cert);
    }
    gnutls_free(bytes.data);
    return code < 0 ? failed(code, cert_path, "no certificate in PEM", err) : 0;
}

int tls_open(const char *cert_path, const char *key_path, struct tls **ret, struct err *err)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return err_memory(err);
    tls->cert_path = cert_path;
    tls->key_path = key_path;
    pthread_mutex_init(&tls->lock, NULL);
    int rc = identity_read(tls, &tls->current, err);
    if (rc) {
        tls_close(tls);
        return rc;
    }
    *ret = speaking = tls;
    return 0;
}

void tls_close(struct tls *tls)
{
    if (!tls)
        return;
    if (speaking == tls)
        speaking = NULL;
    while (tls->retired) {
        struct identity *next = tls->retired->next;
        identity_free(tls->retired);
        tls->retired = next;
    }
    identity_free(tls->current);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

/* Under the lock: those whom no handshake can use any more. */
static void drop_retired(struct tls *tls, int64_t now_ms)
{
    struct identity **at = &tls->retired;
    while (*at) {
        struct identity *identity = *at;
        if (now_ms - identity->retired_ms < RETIRED_MS) {
            at = &identity->next;
            continue;
        }
        *at = identity->next;
        identity_free(identity);
    }
}

int tls_reload(struct tls *tls, struct err *err)
{
    struct identity *fresh;
    int rc = identity_read(tls, &fresh, err);
    if (rc)
        return rc;
    int64_t now_ms = watch_now_ms();
    pthread_mutex_lock(&tls->lock);
    drop_retired(tls, now_ms);
    tls->current->retired_ms = now_ms;
    tls->current->next = tls->retired;
    tls->retired = tls->current;
    tls->current = fresh;
    pthread_mutex_unlock(&tls->lock);
    return 0;
}

int64_t tls_ends_ms(struct tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    int64_t ends_ms = tls->current->ends_ms;
    pthread_mutex_unlock(&tls->lock);
    return ends_ms;
}

int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int count, const gnutls_pk_algorithm_t *kinds,
                 int kind_count, gnutls_pcert_st **ret_certs, unsigned *ret_count, gnutls_privkey_t *ret_key)
{
    struct tls *tls = speaking;
    (void)session;
    (void)names;
    (void)count;
    (void)kinds;
    (void)kind_count;
    if (!tls)
        return -1;
    pthread_mutex_lock(&tls->lock);
    *ret_certs = tls->current->chain;
    *ret_count = tls->current->count;
    *ret_key = tls->current->key;
    pthread_mutex_unlock(&tls->lock);
    return 0;
}

/*
 * The certificate that the server shows, from PEM files, exchanged while it runs: each handshake asks for the one of the moment,
 * and connections that are under way go on. One server a process speaks TLS.
 */
#ifndef TONGZHOU_HTTP_TLS_H
#define TONGZHOU_HTTP_TLS_H

#include <gnutls/abstract.h>

#include "base/err.h"

/*
 * TLS 1.2 and 1.3, as RFC 9325 asks for: keys that are forgotten after a connection, whichever key the certificate has, and
 * ciphers that authenticate; no others for the sake of clients that know nothing better.
 */
#define TLS_PRIORITIES                                                                                                 \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:"             \
    "+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"       \
    "%SERVER_PRECEDENCE"

struct tls;

/* ERR_NOTFOUND, ERR_IO; ERR_SYNTAX no certificate or key; ERR_VERIFY they do not belong together; ERR_REFUSED others can
 * read the key. The paths are borrowed. */
int tls_open(const char *cert_path, const char *key_path, struct tls **ret, struct err *err);
void tls_close(struct tls *tls);

/* Read the files again. After an error the old ones stay. */
int tls_reload(struct tls *tls, struct err *err);

/* Until when the first certificate in this file is good. */
int tls_certificate_ends(const char *cert_path, int64_t *ret_ms, struct err *err);

/* The same of the one that is shown at the moment. */
int64_t tls_ends_ms(struct tls *tls);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK. */
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int count, const gnutls_pk_algorithm_t *kinds,
                 int kind_count, gnutls_pcert_st **ret_certs, unsigned *ret_count, gnutls_privkey_t *ret_key);

#endif

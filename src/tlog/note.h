/* C2SP signed-note v1.0.0: verifier keys, signatures, reading and writing. Ed25519 by libsodium. */
#ifndef TONGZHOU_TLOG_NOTE_H
#define TONGZHOU_TLOG_NOTE_H

#include "base/buf.h"
#include "base/limits.h"

#define NOTE_ED25519 0x01     /* Ed25519 over the text */
#define NOTE_COSIGNATURE 0x04 /* cosignature/v1: over time and whole note text; tlog-cosignature v1.0.1 */
#define NOTE_MLDSA 0x06       /* recognised, ignored */

#define ED25519_PUBLIC 32
#define ED25519_SEED 32
#define ED25519_SIG 64

#define VKEY_MAX (ORIGIN_MAX + 1 + 8 + 1 + 48) /* characters of NAME+HEX8+BASE64(33 bytes) */

/* A name and a public key: who can be believed to have signed. */
struct note_key {
    char name[ORIGIN_MAX + 1]; /* NUL-terminated; no spaces, no '+', valid UTF-8 */
    uint32_t id;               /* big-endian first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public) */
    uint8_t type;              /* NOTE_ED25519 or NOTE_COSIGNATURE */
    uint8_t public_key[ED25519_PUBLIC];
};

/* A secret key: its holder can sign. Wipe with note_signer_wipe. */
struct note_signer {
    struct note_key key;
    uint8_t seed[ED25519_SEED];
};

/* Fill name, type, public key and compute the id. ERR_SYNTAX for a name that notes cannot carry. */
int note_key_make(struct note_key *out, struct span name, uint8_t type, const uint8_t public_key[ED25519_PUBLIC],
                  struct err *err);
int note_signer_make(struct note_signer *out, struct span name, uint8_t type, const uint8_t seed[ED25519_SEED],
                     struct err *err);
void note_signer_wipe(struct note_signer *signer);

/* "name+hex8+base64"; parse checks that the id fits. */
void note_vkey_format(const struct note_key *key, char out[VKEY_MAX + 1]);
int note_vkey_parse(struct span vkey, struct note_key *out, struct err *err);

/* One signature line as read: nothing verified. */
struct note_sig {
    struct span name; /* borrowed from the note */
    uint32_t id;
    uint8_t bytes[128]; /* what stands behind the key id: 64 for Ed25519, 72 for a cosignature */
    size_t len;         /* 0 when longer than bytes[]: a type that we do not read */
    struct span line;   /* the whole line with its newline, borrowed */
};

struct note {
    struct span text; /* with its final newline */
    struct note_sig sigs[NOTE_SIGS_MAX];
    size_t sig_count;
};

/*
 * Split a note. Borrows `text`.
 * Errors: ERR_LIMIT above NOTE_MAX bytes or NOTE_SIGS_MAX lines; ERR_SYNTAX for anything signed-note forbids
 * (no empty line, control characters, malformed UTF-8, a signature line out of form, none at all).
 */
int note_parse(struct span text, struct note *out, struct err *err);

/*
 * Verify with one key. 1: signed by it. 0: no line of (name, id). ERR_VERIFY: a line of that name and id
 * whose signature fails, or two lines of it: the note must be rejected.
 *   ret_time   seconds of a NOTE_COSIGNATURE, or 0; may be NULL
 */
int note_verify(const struct note *note, const struct note_key *key, uint64_t *ret_time, struct err *err);

/* Append the signature line of `signer` over `text`; `time` (POSIX seconds) is used by cosignatures only. */
int note_sign(struct span text, const struct note_signer *signer, uint64_t time, struct buf *out, struct err *err);

/* Raw Ed25519, for what is signed outside notes (rotations, successions). */
void ed25519_keypair(const uint8_t seed[ED25519_SEED], uint8_t public_key[ED25519_PUBLIC]);
void ed25519_sign(struct span message, const uint8_t seed[ED25519_SEED], uint8_t sig[ED25519_SIG]);
bool ed25519_verify(struct span message, const uint8_t public_key[ED25519_PUBLIC], const uint8_t sig[ED25519_SIG]);

#endif

#include "state/password.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/random.h"
#include "base/utf8.h"

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_argon2id_STRBYTES, "libsodium's text fits");

/*
 * The hash that passwords of users who do not exist are compared with, made under the same parameters. Whatever fits it,
 * the answer is no.
 */
static const char nobody[] = "$argon2id$v=19$m=32768,t=3,p=1$7JT7Srxpxj/FwZBhKKlcPg$"
                             "Qqr0DJzLdVInL1OKVthrh9T+4HXeE9KL2sw1kgE32/A";
_Static_assert(ARGON2_MEMORY == 32768u * 1024 && ARGON2_PASSES == 3, "`nobody` costs what others cost");

static atomic_uint_fast64_t work;

uint64_t password_work(void)
{
    return atomic_load(&work);
}

int password_form(struct span password, struct err *err)
{
    if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX)
        return err_set(err, ERR_LIMIT, "password of %zu bytes; %d to %d are allowed", password.len, PASSWORD_MIN,
                       PASSWORD_MAX);
    for (size_t i = 0; i < password.len; i++)
        if (password.data[i] < ' ' || password.data[i] == 0x7f)
            return err_set(err, ERR_SYNTAX, "password: a control character at byte %zu", i);
    return utf8_valid(password) ? 0 : err_set(err, ERR_SYNTAX, "password: not UTF-8");
}

int password_hash(struct span password, char out[PASSWORD_HASH_MAX], struct err *err)
{
    int rc = password_form(password, err);
    if (rc)
        return rc;
    if (sodium_init() < 0)
        return err_set(err, ERR_STATE, "libsodium does not start");
    atomic_fetch_add(&work, 1);
    memset(out, 0, PASSWORD_HASH_MAX);
    if (crypto_pwhash_str_alg(out, (const char *)password.data, password.len, ARGON2_PASSES, ARGON2_MEMORY,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return err_memory(err);
    return 0;
}

int password_check(const char *hash, struct span password, bool *ret, struct err *err)
{
    char copy[PASSWORD_HASH_MAX];
    struct err ill_formed;
    bool is_possible = password_form(password, &ill_formed) == 0;
    if (sodium_init() < 0)
        return err_set(err, ERR_STATE, "libsodium does not start");
    if (!is_possible)
        password = SPAN_LIT("no password");
    memset(copy, 0, sizeof copy); /* libsodium reads the whole array */
    snprintf(copy, sizeof copy, "%s", hash ? hash : nobody);
    atomic_fetch_add(&work, 1);
    bool fits = crypto_pwhash_str_verify(copy, (const char *)password.data, password.len) == 0;
    *ret = fits && hash && is_possible;
    return 0;
}

void password_generate(char out[PASSWORD_GENERATED_MAX])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32: five bits each */
    uint8_t random[20];
    size_t at = 0;
    random_bytes(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        if (i > 0 && i % 5 == 0)
            out[at++] = '-';
        out[at++] = letters[random[i] % 32];
    }
    out[at] = '\0';
    sodium_memzero(random, sizeof random);
}

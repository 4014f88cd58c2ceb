#include "state/role.h"

#include <assert.h>
#include <stdio.h>

#define READ ((unsigned)SCOPE_READ)
#define PUBLISH ((unsigned)SCOPE_PUBLISH)
#define ADMIN ((unsigned)SCOPE_ADMIN)
#define METRICS ((unsigned)SCOPE_METRICS)

/* For each action the scope that it needs, for each role whether it has it. */
static const struct {
    unsigned scope;
    bool may[ROLES];
} table[ACTIONS] = {
    /*                          none   reader analyst publisher administrator */
    [ACTION_NONE] = {SCOPES_ALL, {false, false, false, false, false}},
    [ACTION_READ] = {READ, {false, true, true, true, true}},
    [ACTION_SEARCH] = {READ, {false, false, true, true, true}},
    [ACTION_SWEEP] = {READ, {false, false, true, true, true}},
    [ACTION_PUBLISH] = {PUBLISH, {false, false, false, true, true}},
    [ACTION_USERS] = {ADMIN, {false, false, false, false, true}},
    [ACTION_DECIDE] = {PUBLISH, {false, false, false, true, true}},
    [ACTION_INBOX] = {READ, {false, true, true, true, true}},
    [ACTION_METRICS] = {METRICS, {false, false, false, false, true}},
};

static const char *const role_words[ROLES] = {"", "reader", "analyst", "publisher", "administrator"};

static const struct {
    unsigned scope;
    const char *word;
} scope_words[] = {{READ, "read"}, {PUBLISH, "publish"}, {ADMIN, "admin"}, {METRICS, "metrics"}};
#define SCOPE_WORDS (sizeof(scope_words) / sizeof(*scope_words))

bool role_may(enum role role, unsigned scopes, enum role_action action)
{
    assert((unsigned)role < ROLES && (unsigned)action < ACTIONS);
    return table[action].may[role] && (scopes & table[action].scope) != 0;
}

bool role_guests_may(enum role_action action)
{
    return action == ACTION_READ || action == ACTION_SEARCH || action == ACTION_SWEEP || action == ACTION_PUBLISH;
}

const char *role_word(enum role role)
{
    assert((unsigned)role < ROLES);
    return role_words[role];
}

enum role role_parse(struct span word)
{
    for (int i = ROLE_READER; i < ROLES; i++)
        if (span_is(word, role_words[i]))
            return (enum role)i;
    return ROLE_NONE;
}

static unsigned scope_parse(struct span word)
{
    for (size_t i = 0; i < SCOPE_WORDS; i++)
        if (span_is(word, scope_words[i].word))
            return scope_words[i].scope;
    return 0;
}

unsigned scopes_parse(struct span text)
{
    unsigned scopes = 0;
    for (;;) {
        size_t comma = span_find(text, ',');
        unsigned scope = scope_parse(span_sub(text, 0, comma));
        if (scope == 0 || (scopes & scope) != 0)
            return 0;
        scopes |= scope;
        if (comma == text.len)
            return scopes;
        text = span_sub(text, comma + 1, text.len);
    }
}

void scopes_format(unsigned scopes, char out[SCOPES_TEXT_MAX])
{
    int len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < SCOPE_WORDS; i++)
        if (scopes & scope_words[i].scope)
            len += snprintf(out + len, SCOPES_TEXT_MAX - (size_t)len, "%s%s", len > 0 ? "," : "", scope_words[i].word);
}

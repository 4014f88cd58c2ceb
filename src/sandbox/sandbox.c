#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sandbox/internal.h"

#if defined(__has_feature)
#define FEATURE(name) __has_feature(name)
#else
#define FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || FEATURE(address_sanitizer) ||                     \
    FEATURE(thread_sanitizer) || FEATURE(memory_sanitizer)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static struct sandbox_state state;
static char missing[SANDBOX_TEXT_MAX / 2]; /* why, if anything */

bool sandbox_want_parse(const char *word, enum sandbox_want *ret)
{
    static const char *const words[] = {[SANDBOX_OFF] = "off", [SANDBOX_TRY] = "try", [SANDBOX_REQUIRE] = "require"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(word, words[i]) == 0) {
            *ret = (enum sandbox_want)i;
            return true;
        }
    return false;
}

enum sandbox_want sandbox_want_default(void)
{
    enum sandbox_want want = SANDBOX_TRY;
    const char *word = getenv("TONGZHOU_SANDBOX");
    if (word)
        sandbox_want_parse(word, &want);
    return want;
}

void sandbox_no_dumps(void)
{
    struct rlimit none = {0};
    if (SANITIZED || sandbox_want_default() == SANDBOX_OFF)
        return;
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
}

static void miss(const struct err *err)
{
    size_t len = strlen(missing);
    snprintf(missing + len, sizeof(missing) - len, "%s%.60s", len ? "; " : "", err->text);
}

int sandbox_enter(const struct sandbox_options *options, struct err *err)
{
    struct err unoffered = {0};
    missing[0] = '\0';
    if (options->want == SANDBOX_OFF)
        return 0;
    if (SANITIZED) {
        err_set(&unoffered, ERR_STATE, "built with a sanitizer");
        miss(&unoffered);
    } else {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
            return err_sys(err, "no_new_privs");
        /* Landlock first: its calls are none of those that are needed later. */
        int rc = landlock_enter(options, &state, &unoffered);
        if (rc == ERR_STATE)
            miss(&unoffered);
        else if (rc)
            return *err = unoffered, rc;
        rc = seccomp_enter(options, &unoffered);
        state.calls = rc == 0;
        if (rc == ERR_STATE)
            miss(&unoffered);
        else if (rc)
            return *err = unoffered, rc;
    }
    if (options->want == SANDBOX_REQUIRE && !(state.files && state.ports && state.calls))
        return err_set(err, ERR_STATE, "the sandbox is required, and not offered: %s", missing);
    return 0;
}

const struct sandbox_state *sandbox_state(void)
{
    return &state;
}

void sandbox_describe(char out[SANDBOX_TEXT_MAX])
{
    char parts[64] = "";
    const struct {
        bool is;
        const char *word;
    } all[] = {{state.files, ", files"},
               {state.ports, ", ports"},
               {state.others, ", signals"},
               {state.calls, ", system calls"}};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (all[i].is)
            strncat(parts, all[i].word, sizeof(parts) - strlen(parts) - 1);
    char version[32] = "";
    if (state.landlock)
        snprintf(version, sizeof(version), " (Landlock %d)", state.landlock);
    snprintf(out, SANDBOX_TEXT_MAX, "%s%s%s%s", parts[0] ? parts + 2 : "off", version, missing[0] ? "; not: " : "",
             missing);
}

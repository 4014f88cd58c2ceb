#include "cli/profile.h"

#include <unistd.h>

static int set_word(struct invocation *inv, const char *option, char *out, size_t size)
{
    const char *value = cli_option(inv, option, "");
    if (strlen(value) >= size)
        return cli_usage(inv, "--%s: %zu bytes, limit %zu", option, strlen(value), size - 1);
    memcpy(out, value, strlen(value) + 1);
    return 0;
}

static int set_list(struct invocation *inv, const char *option, struct member_list *out)
{
    for (int i = 0; i < inv->given_count; i++) {
        const char *value = inv->given[i].value;
        if (strcmp(inv->given[i].option->name, option) != 0)
            continue;
        if (out->count == MEMBER_LIST_MAX)
            return cli_usage(inv, "--%s: more than %d of them", option, MEMBER_LIST_MAX);
        if (*value == '\0' || strlen(value) > MEMBER_WORD_MAX)
            return cli_usage(inv, "--%s: %zu bytes, allowed 1 to %d", option, strlen(value), MEMBER_WORD_MAX);
        memcpy(out->item[out->count++], value, strlen(value) + 1);
    }
    return 0;
}

int profile_options(struct invocation *inv, struct profile *out)
{
    const char *class = cli_option(inv, "class", NULL);
    if (!cli_option(inv, "name", NULL))
        return cli_usage(inv, "--name is needed: how others will know this member, best a domain that it holds");
    if (!class)
        return cli_usage(inv, "--class is needed: intergovernmental, state, private or civil");
    out->class = member_class_parse(span_str(class));
    if (out->class == CLASS_UNKNOWN)
        return cli_usage(inv, "--class %s: must be intergovernmental, state, private or civil", class);
    int rc = set_word(inv, "name", out->name, sizeof(out->name));
    if (!rc && !member_name_valid(span_str(out->name)))
        rc = cli_usage(inv, "--name %s: lower-case letters, digits, dots and hyphens, 1 to %d bytes", out->name,
                       ORIGIN_NAME_MAX);
    if (!rc)
        rc = set_word(inv, "jurisdiction", out->jurisdiction, sizeof(out->jurisdiction));
    if (!rc)
        rc = set_word(inv, "contact", out->contact, sizeof(out->contact));
    if (!rc)
        rc = set_list(inv, "lang", &out->languages);
    if (!rc)
        rc = set_list(inv, "sector", &out->sectors);
    if (!rc)
        rc = set_list(inv, "endpoint", &out->endpoints);
    return rc;
}

int profile_recovery(struct invocation *inv, const struct profile *profile, char out[PROFILE_RECOVERY_MAX])
{
    const char *given = cli_option(inv, "recovery-out", NULL);
    int len = given ? snprintf(out, PROFILE_RECOVERY_MAX, "%s", given)
                    : snprintf(out, PROFILE_RECOVERY_MAX, "%s.recovery", profile->name);
    if (len <= 0 || len >= PROFILE_RECOVERY_MAX)
        return cli_usage(inv, "--recovery-out: a path of %d bytes, allowed 1 to %d", len, PROFILE_RECOVERY_MAX - 1);
    char folder[PROFILE_RECOVERY_MAX] = ".";
    const char *slash = strrchr(out, '/');
    if (slash)
        snprintf(folder, sizeof(folder), "%.*s", slash == out ? 1 : (int)(slash - out), out);
    if (access(out, F_OK) == 0)
        err_set(&inv->err, ERR_EXISTS, "%s is there already: name another file with --recovery-out", out);
    else if (access(folder, W_OK | X_OK) != 0)
        err_sys(&inv->err, "the recovery key cannot be written to %s (name another place with --recovery-out)", out);
    else
        return 0;
    return cli_fail(inv);
}

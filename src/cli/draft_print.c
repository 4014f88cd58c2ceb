/* A preview for people at a terminal. */
#include "cli/draft.h"

static void put_count(const char *what, size_t count)
{
    printf("%s (", what);
    cli_put_count(stdout, count);
    puts("):");
}

/* "; line 3: share tlp <= amber" */
static void put_rule(const struct preview *preview, unsigned line)
{
    struct policy_verdict rule;
    if (line == 0 || !policy_rule_at(preview->policy, line, &rule))
        return;
    printf("; line %u: ", line);
    cli_put_text(stdout, rule.rule, 200);
}

static void put_member(const struct preview *preview, const struct preview_member *member)
{
    char name[ORIGIN_MAX + 1];
    origin_short(span_str(member->origin), name);
    printf("  %s  %s", name, preview_why(member));
    if (member->paths)
        printf("; %s", preview_path_words(member->paths));
    put_rule(preview, member->line);
    putchar('\n');
}

static void put_some(const struct preview *preview, bool gets, bool all)
{
    size_t others = 0;
    for (size_t i = 0; i < preview->count; i++) {
        const struct preview_member *member = &preview->members[i];
        if ((member->fate == PREVIEW_GETS) != gets)
            continue;
        if (member->fate == PREVIEW_NOT_MEANT && !all)
            others++;
        else
            put_member(preview, member);
    }
    if (others > 0) {
        fputs("  ", stdout);
        cli_put_counted(stdout, others, "member", "members");
        puts(" that it is not for (--all lists them)");
    }
}

/* A sentence in which {1} and {2} stand for members. */
static void put_line(const struct preview *preview, const struct preview_line *line)
{
    const char *text = preview_effect_words(preview, line->effect);
    fputs("  ", stdout);
    for (; *text; text++) {
        const char *origin = strncmp(text, "{1}", 3) == 0   ? line->origin
                             : strncmp(text, "{2}", 3) == 0 ? line->other
                                                            : NULL;
        char name[ORIGIN_MAX + 1];
        if (!origin) {
            putchar(*text);
            continue;
        }
        if (origin_valid(span_str(origin))) {
            origin_short(span_str(origin), name);
            fputs(name, stdout);
        } else {
            fputs(origin, stdout);
        }
        text += 2;
    }
    putchar('\n');
}

static void put_everybody(const struct preview *preview)
{
    printf("Everybody: %s", preview->everybody.is_given
                                ? "whoever asks this node gets it"
                                : "a rule of the policy keeps it from whoever does not say who asks");
    put_rule(preview, preview->everybody.policy.line);
    putchar('\n');
}

void draft_print(const struct preview *preview, bool all)
{
    char name[ORIGIN_MAX + 1];
    origin_short(span_str(preview->author->origin), name);
    printf("%.*s, %s, ", SPAN_ARGS(preview->record.kind), audience_marking(preview->record.tlp));
    cli_put_bytes(stdout, preview->bytes);
    printf(", by %s, under policy %s\n", name, preview->version);
    if (preview->author->role == LOG_LOCAL) {
        puts("Nobody gets it: a local log is served to nobody.");
        return;
    }
    if (preview->record.tlp == TLP_CLEAR)
        put_everybody(preview);
    put_count("Get it", preview->gets);
    put_some(preview, true, all);
    put_count("Do not get it", preview->count - preview->gets);
    put_some(preview, false, all);
    if (preview->line_count > 0)
        puts("For others:");
    for (size_t i = 0; i < preview->line_count; i++)
        put_line(preview, &preview->lines[i]);
}

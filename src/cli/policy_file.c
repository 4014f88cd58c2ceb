#include "cli/policy_file.h"

#include "cli/input.h"
#include "state/lists.h"

#define PROFILE_ARENA_MAX (1u << 20)

void policy_file_path(const struct invocation *inv, char out[4096])
{
    snprintf(out, 4096, "%s/policy.conf", inv->dir);
}

static void tell_errors(const char *path, const struct policy_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        const struct policy_error *e = &errors->item[i];
        fprintf(stderr, "%s:%u:%u: %s\n", path, e->line, e->column, e->text);
    }
    if (errors->more)
        fprintf(stderr, "%s: and more\n", path);
}

int policy_file_load(struct invocation *inv, struct session *session, const char *path, struct policy **ret)
{
    static struct policy_errors errors;
    struct buf text;
    buf_init(&text, POLICY_TEXT_MAX);
    int rc = input_slurp(path, POLICY_FILE_MAX, &text, &inv->err);
    if (rc == 0 && session->store) /* with what is adopted, as it would come into force */
        rc = lists_sets(session->store, &text, &inv->err);
    if (rc == 0 && (rc = policy_parse(buf_view(&text), ret, &errors, &inv->err)) < 0 && rc != ERR_SYNTAX)
        err_in(&inv->err, "%s", path);
    buf_done(&text);
    if (rc != ERR_SYNTAX)
        return rc ? cli_fail(inv) : 0;
    tell_errors(path, &errors);
    return EXIT_FAILED;
}

struct gathering {
    struct session *session;
    struct policy_member *members;
    size_t count, cap;
};

static int add_member(void *ctx, const struct log_info *log, struct err *err)
{
    struct gathering *g = ctx;
    struct arena *arena = &g->session->arena;
    struct arena scratch;
    struct member member;
    struct err unknown = {0};
    if (g->count == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 64;
        struct policy_member *grown = arena_array(arena, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        if (g->count > 0)
            memcpy(grown, g->members, g->count * sizeof(*grown));
        g->members = grown;
        g->cap = cap;
    }
    struct policy_member *m = &g->members[g->count++];
    *m = (struct policy_member){.origin = arena_copy(arena, span_str(log->origin)),
                                .is_self = log->role == LOG_OWN || log->role == LOG_LOCAL,
                                .class = CLASS_UNKNOWN};
    arena_init(&scratch, PROFILE_ARENA_MAX);
    if (log->size > 0 && store_member(g->session->store, log->number, &scratch, &member, &unknown) == 0) {
        struct member_list *sectors = arena_alloc(arena, sizeof(*sectors));
        m->class = member.profile.class;
        m->jurisdiction = arena_copy(arena, span_str(member.profile.jurisdiction));
        if (sectors)
            *sectors = member.profile.sectors;
        m->sectors = sectors;
    }
    arena_done(&scratch);
    return m->origin.data ? 0 : err_memory(err);
}

int policy_file_members(struct invocation *inv, struct session *session, struct policy_member **ret, size_t *ret_count)
{
    struct gathering g = {.session = session};
    int rc = session->store ? store_logs(session->store, add_member, &g, &inv->err) : 0;
    *ret = g.members;
    *ret_count = g.count;
    return rc ? cli_fail(inv) : 0;
}

/* fuzz: governance */
#include "governance/governance.h"
#include "policy/cession.h"

#include <stdlib.h>

const struct capability *const capabilities[] = {&governance_capability, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_kind(const struct record *record, const char *kind)
{
    return span_is(record->kind, kind);
}

/* What a parser accepts, the writer writes, and it comes back the same. */
static void write_again(const struct record *record, struct arena *arena, struct buf *out, struct err *err)
{
    struct charter *charter = arena_alloc(arena, sizeof(*charter));
    struct roster_version version;
    struct group group;
    struct grant grant;
    struct cession cession;
    struct statement said;
    bool parsed = false;
    if (!charter)
        return;
    if (is_kind(record, CHARTER_KIND) && (parsed = charter_parse(record, arena, charter, err) == 0))
        (void)charter_write(charter, 0, out, err);
    else if (is_kind(record, ROSTER_KIND) && (parsed = roster_parse(record, arena, &version, err) == 0))
        (void)roster_write(&version, 0, out, err);
    else if (is_kind(record, GROUP_KIND) && (parsed = group_parse(record, arena, &group, err) == 0))
        (void)group_write(&group, TLP_CLEAR, 0, out, err);
    else if (is_kind(record, GRANT_KIND) && (parsed = grant_parse(record, &grant, err) == 0))
        (void)grant_write(&grant, 0, out, err);
    else if (is_kind(record, CESSION_KIND) &&
             (parsed = cession_parse(record, arena, &cession, err) == 0 && cession.power != POWER_UNKNOWN))
        (void)cession_write(&cession, record->time_ms, out, err);
    else if ((parsed = statement_parse(record, &said, err) == 0))
        (void)statement_write(&said, 0, out, err);
    /* Unknown members are not written again, but escapes of a large body may be longer than they were. */
    if (parsed && out->len == 0 && err->code != ERR_LIMIT)
        abort();
}

/* A record of one of governance's kinds: accepted or refused, and if accepted, written and read to the same text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct arena arena;
    struct record record;
    struct buf once, twice;
    arena_init(&arena, 64u << 20);
    buf_init(&once, PAYLOAD_MAX);
    buf_init(&twice, PAYLOAD_MAX);
    if (record_parse(span_of(data, size), &arena, &record, &err) == 0) {
        write_again(&record, &arena, &once, &err);
        if (once.len > 0) {
            if (record_parse(buf_view(&once), &arena, &record, &err) < 0)
                abort();
            write_again(&record, &arena, &twice, &err);
            if (!span_eq(buf_view(&once), buf_view(&twice)))
                abort();
        }
    }
    buf_done(&once);
    buf_done(&twice);
    arena_done(&arena);
    return 0;
}

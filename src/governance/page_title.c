/* What a record of governance is called on a page. */
#include "governance/pages.h"
#include "policy/cession.h"
#include "policy/list.h"

static void write_statement(struct page *page, const struct statement *said)
{
    switch (said->type) {
    case STATEMENT_ENDORSE:
        page_say(page, TR_MARK("Endorses a roster"));
        break;
    case STATEMENT_JOIN:
        page_say(page, TR_MARK("Asks to join a community"));
        break;
    case STATEMENT_SPONSOR:
        page_sayf(page, TR(page, "Vouches for {1}"), SAY(say_text(span_of(said->origin, strcspn(said->origin, "/")))));
        break;
    case STATEMENT_LEAVE:
        page_say(page, TR_MARK("Leaves a community"));
        break;
    }
}

static void write_group(struct page *page, const struct group *group)
{
    struct span owner, name;
    if (group_address(span_str(group->name), &owner, &name))
        page_sayf(page, TR(page, "Admits to the group {1} of {2}, members: {3}"),
                  SAY(say_text(name), say_text(span_sub(owner, 0, span_find(owner, '/'))), say_number(group->count)));
    else
        page_sayf(page, TR(page, "Group {1}, members: {2}"),
                  SAY(say_text(span_str(group->name)), say_number(group->count)));
}

static void write_cession(struct page *page, const struct cession *cession)
{
    struct span to = span_of(cession->to, strcspn(cession->to, "/"));
    if (cession->revokes)
        page_sayf(page, TR(page, "Takes back what entry {1} ceded"), SAY(say_number(cession->index)));
    else
        page_sayf(page, TR(page, "Cedes a power to {1}: {2}"), SAY(say_text(to), say_text(span_str(cession->word))));
}

bool governance_page_title(struct page *page, const struct view *view, const struct record *record)
{
    struct arena *arena = page->request->arena;
    struct charter *charter = arena_alloc(arena, sizeof(*charter));
    struct roster_version version;
    struct group group;
    struct list list;
    struct grant grant;
    struct cession cession;
    struct statement said;
    struct err ignored = {0};
    (void)view;
    if (charter && span_is(record->kind, CHARTER_KIND) && charter_parse(record, arena, charter, &ignored) == 0)
        page_sayf(page, TR(page, "Charter of {1}"), SAY(say_text(span_str(charter->name))));
    else if (span_is(record->kind, ROSTER_KIND) && roster_parse(record, arena, &version, &ignored) == 0)
        page_sayf(
            page, TR(page, "Version {1} of a roster: {2} added, {3} taken off"),
            SAY(say_number(version.version), say_number(version.addition_count), say_number(version.removal_count)));
    else if (span_is(record->kind, GROUP_KIND) && group_parse(record, arena, &group, &ignored) == 0)
        write_group(page, &group);
    else if (span_is(record->kind, LIST_KIND) && list_parse(record, arena, &list, &ignored) == 0)
        page_sayf(page, TR(page, "List {1}, items: {2}"), SAY(say_text(span_str(list.name)), say_number(list.count)));
    else if (grant_parse(record, &grant, &ignored) == 0)
        page_sayf(page, TR(page, "Given to those who came later into the group {1}"),
                  SAY(say_text(span_str(strchr(grant.group, '#') + 1))));
    else if (span_is(record->kind, CESSION_KIND) && cession_parse(record, arena, &cession, &ignored) == 0)
        write_cession(page, &cession);
    else if (statement_parse(record, &said, &ignored) == 0)
        write_statement(page, &said);
    else
        return false;
    return true;
}

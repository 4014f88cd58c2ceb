/* What a preview says, in words for people and as JSON for programs. */
#include "base/json.h"
#include "connect/preview.h"
#include "http/page.h"

const char *preview_fault_words(enum preview_fault fault)
{
    static const char *const words[] = {
        [PREVIEW_NOBODY] =
            TR_MARK("It would be for nobody: no member that is known here is in its audience. Name members, "
                    "or groups that have any, or keep it here."),
        [PREVIEW_POLICY_KEEPS] =
            TR_MARK("The policy of this node lets none of those have it for whom it is meant. Change the rule that is "
                    "named beside each of them, name others, or keep it here."),
        [PREVIEW_ALL_UNHEARD] = TR_MARK(
            "None of those for whom it is meant is heard by this node: their logs are not here, or forked. Wait "
            "until they are, name others, or send it as a parcel."),
        [PREVIEW_PARCEL_KEPT] = TR_MARK(
            "A parcel is for all whom it names, and the policy of this node keeps it from one of them. Change the "
            "rule, leave that one out, or send no parcel."),
        [PREVIEW_CLEAR_KEPT] = TR_MARK("TLP:CLEAR is for everybody, and the policy of this node lets nobody have it. "
                                       "Change the rule, or mark it narrower and keep it here."),
    };
    return fault == PREVIEW_RIGHT ? NULL : words[fault];
}

const char *preview_path_words(unsigned paths)
{
    if (paths & PATH_HERE)
        return TR_MARK("lives on this node");
    if (paths & PATH_OPEN)
        return TR_MARK("open to all, over any node");
    if (paths & PATH_SIGNED)
        return paths & PATH_PARCEL ? TR_MARK("when its node asks for it, signed; also as a parcel over any node")
                                   : TR_MARK("when its node asks for it, signed");
    if (paths & PATH_PARCEL)
        return TR_MARK("as a parcel over any node");
    return paths & PATH_ONWARD ? TR_MARK("not from here, but others who get it may hand it on") : TR_MARK("by no path");
}

static const char *audience_words(enum audience_verdict verdict)
{
    static const char *const words[] = {
        [AUDIENCE_UNMARKED] = TR_MARK("it bears no marking that is known here"),
        [AUDIENCE_EMPTY] = TR_MARK("it is for nobody but its author"),
        [AUDIENCE_NOT_NAMED] = TR_MARK("not named"),
        [AUDIENCE_LATER] = TR_MARK("in a group that is named, but not yet when this was said"),
        [AUDIENCE_PERSONS] = TR_MARK("it is for named persons"),
        [AUDIENCE_PUBLIC] = TR_MARK("for everybody"),
        [AUDIENCE_AUTHOR] = TR_MARK("its author"),
        [AUDIENCE_COMMUNITY] = TR_MARK("of the author's community"),
        [AUDIENCE_NAMED] = TR_MARK("named"),
        [AUDIENCE_GROUP] = TR_MARK("in a group that is named"),
        [AUDIENCE_HOST] = TR_MARK("host of a member that is named"),
        [AUDIENCE_PERSON] = TR_MARK("a person of it is named, and nobody else there sees it"),
    };
    return words[verdict];
}

const char *preview_why(const struct preview_member *member)
{
    if (member->doubt)
        return TR_MARK(
            "in a group that is named, but policy keeps from it who is in the group: its node may not know, and "
            "leave it");
    if (member->fate == PREVIEW_UNHEARD)
        return member->hearing == HEARING_SUSPENDED
                   ? TR_MARK("meant, but its log is forked, so it is not heard")
                   : TR_MARK("meant, but its log is not here, so it cannot be told from "
                             "others");
    if (member->fate == PREVIEW_KEPT && member->line == 0)
        return TR_MARK("meant, but no rule of the policy lets leave what is not TLP:CLEAR");
    if (member->fate == PREVIEW_KEPT)
        return TR_MARK("meant, but a rule of the policy keeps it here");
    return audience_words(member->audience);
}

/* How far those who get it may pass it on: TLP 2.0 (FIRST), in our words. */
static const char *onward_words(enum tlp tlp)
{
    static const char *const words[] = {
        [TLP_NONE] = TR_MARK("Those who get it are told nothing about passing it on."),
        [TLP_CLEAR] = TR_MARK("Everybody may pass it on."),
        [TLP_GREEN] = TR_MARK("Those who get it may pass it on within the community, not to the public."),
        [TLP_AMBER] = TR_MARK("Those who get it may pass it on, as far as needed, within their organisations and to "
                              "those whom they protect."),
        [TLP_AMBER_STRICT] = TR_MARK("Those who get it may pass it on, as far as needed, within their organisations "
                                     "alone."),
        [TLP_RED] = TR_MARK("The persons who get it may tell nobody else."),
    };
    return words[tlp];
}

const char *preview_effect_words(const struct preview *preview, enum preview_effect effect)
{
    static const char *const words[EFFECTS] = {
        [EFFECT_RELAYS] = TR_MARK("All nodes that carry this log see that something was said and when, not what or to "
                                  "whom."),
        [EFFECT_PARCEL] =
            TR_MARK("All of them carry the parcel as well, which only those can open whom it is for; they "
                    "see its size and for how many it is."),
        [EFFECT_HOST] = TR_MARK("{1} gets it, too: {2} lives on its node."),
        [EFFECT_NODE] =
            TR_MARK("The node of {1} keeps it for {2}, which lives there; who runs that node has its files."),
        [EFFECT_HERE] = TR_MARK("Whoever may read on this node can read it."),
        [EFFECT_OPEN] =
            TR_MARK("Policy keeps it from some by what they are, and yet they get it as everybody does, by not "
                    "saying who asks."),
        [EFFECT_GROUP] =
            TR_MARK("Who is in the group {2} stands in the log of {1}: a node that does not have it cannot "
                    "know for whom this is, and leaves it."),
        [EFFECT_AGE] = TR_MARK("Rules of the policy look at its age: later it may be others who get it."),
        [EFFECT_KEPT] = TR_MARK("Some do not get it from here, and yet may from others who do: what it says of its "
                                "audience admits them."),
    };
    return effect == EFFECT_ONWARD ? onward_words(preview->record.tlp) : words[effect];
}

/* ---- JSON ---- */

static void put_string(struct buf *out, const char *name, const char *text)
{
    buf_fmt(out, "\"%s\":", name);
    buf_json_string(out, span_str(text));
}

static void put_paths(struct buf *out, unsigned paths)
{
    static const char *const names[] = {"here", "open", "signed", "parcel", "onward"};
    const char *comma = "";
    buf_str(out, "\"paths\":[");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(paths >> i & 1))
            continue;
        buf_fmt(out, "%s\"%s\"", comma, names[i]);
        comma = ",";
    }
    buf_byte(out, ']');
}

static void put_member(struct buf *out, const struct preview_member *member)
{
    static const char *const fates[] = {"gets", "not-meant", "kept-by-policy", "not-heard"};
    buf_byte(out, '{');
    put_string(out, "member", member->origin);
    buf_fmt(out, ",\"fate\":\"%s\",", fates[member->fate]);
    put_string(out, "why", preview_why(member));
    buf_byte(out, ',');
    put_paths(out, member->paths);
    if (member->line)
        buf_fmt(out, ",\"line\":%u", member->line);
    if (member->doubt)
        buf_str(out, ",\"doubt\":true");
    buf_byte(out, '}');
}

static void put_rules(const struct preview *preview, struct buf *out)
{
    const char *comma = "";
    buf_str(out, "\"rules\":[");
    for (size_t i = 0; i < preview->rule_count; i++) {
        struct policy_verdict rule;
        if (!policy_rule_at(preview->policy, preview->rules[i], &rule))
            continue;
        buf_fmt(out, "%s{\"line\":%u,\"rule\":", comma, rule.line);
        buf_json_string(out, rule.rule);
        if (rule.reason.len > 0) {
            buf_str(out, ",\"reason\":");
            buf_json_string(out, rule.reason);
        }
        buf_byte(out, '}');
        comma = ",";
    }
    buf_byte(out, ']');
}

static void put_effects(const struct preview *preview, struct buf *out)
{
    static const char *const names[EFFECTS] = {"relays", "parcel", "onward", "host", "node",
                                               "here",   "open",   "group",  "age",  "kept"};
    buf_str(out, "\"effects\":[");
    for (size_t i = 0; i < preview->line_count; i++) {
        const struct preview_line *line = &preview->lines[i];
        buf_fmt(out, "%s{\"effect\":\"%s\",", i ? "," : "", names[line->effect]);
        put_string(out, "words", preview_effect_words(preview, line->effect));
        if (line->origin) {
            buf_byte(out, ',');
            put_string(out, "member", line->origin);
            buf_byte(out, ',');
            put_string(out, "for", line->other);
        }
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

int preview_json(const struct preview *preview, struct buf *out, struct err *err)
{
    const char *tlp = tlp_word(preview->record.tlp), *fault = preview_fault_words(preview->fault);
    buf_byte(out, '{');
    put_string(out, "author", preview->author->origin);
    buf_str(out, ",\"kind\":");
    buf_json_string(out, preview->record.kind);
    buf_fmt(out, ",\"tlp\":\"%s\",\"bytes\":%zu,\"policy\":\"%s\",", tlp ? tlp : "", preview->bytes, preview->version);
    buf_fmt(out, "\"blocked\":%s,\"everybody\":%s,\"gets\":%zu,\"members\":[", fault ? "true" : "false",
            preview->everybody.is_given ? "true" : "false", preview->gets);
    for (size_t i = 0; i < preview->count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        put_member(out, &preview->members[i]);
    }
    buf_str(out, "],");
    put_rules(preview, out);
    buf_byte(out, ',');
    put_effects(preview, out);
    if (fault) {
        buf_byte(out, ',');
        put_string(out, "contradiction", fault);
    }
    buf_str(out, "}\n");
    return buf_check(out, "preview", err);
}

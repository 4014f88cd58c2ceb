#include "cli/parcel.h"

#include <stdlib.h>

#include "base/when.h"

#define LIFE_DEFAULT "30d"
#define LIFE_MIN_S 3600 /* less than that a relay that asks every half hour may miss */

bool parcel_life(struct invocation *inv, int64_t *ret_ms)
{
    int64_t seconds;
    const char *text = cli_option(inv, "expires", LIFE_DEFAULT);
    if (!cli_duration_s(inv, text, &seconds))
        return false;
    if (seconds < LIFE_MIN_S || seconds > PARCEL_LIFE_MAX_MS / 1000) {
        cli_usage(inv, "--expires %s: from 1h to %dd", text, (int)(PARCEL_LIFE_MAX_MS / 86400000));
        return false;
    }
    *ret_ms = seconds * 1000;
    return true;
}

int parcel_options_check(struct invocation *inv, struct parcel_wish *ret)
{
    *ret = (struct parcel_wish){.wanted = cli_flag(inv, "parcel")};
    if (!ret->wanted && cli_option(inv, "expires", NULL))
        return cli_usage(inv, "--expires is a parcel's: add --parcel");
    if (!ret->wanted)
        return 0;
    if (cli_flag(inv, "local"))
        return cli_usage(inv, "--parcel contradicts --local: the local log goes nowhere");
    if (!cli_option(inv, "to", NULL))
        return cli_usage(inv, "--parcel needs --to: it is encrypted to those whom it names");
    return parcel_life(inv, &ret->life_ms) ? 0 : EXIT_USAGE;
}

static struct parcel_order order_of(const struct parcel_wish *wish, const struct named_audience *audience,
                                    const struct log_info *author)
{
    int64_t now_ms = cli_now_ms();
    return (struct parcel_order){.number = author->number,
                                 .to = audience->to,
                                 .to_count = audience->count,
                                 .time_ms = now_ms,
                                 .expires_ms = now_ms + wish->life_ms,
                                 .ranges = wish->ranges,
                                 .range_count = wish->range_count};
}

int parcel_prepare(struct invocation *inv, struct session *session, const struct parcel_wish *wish,
                   const struct named_audience *audience, const struct log_info *author)
{
    struct parcel_order order = order_of(wish, audience, author);
    struct parcel_sent sent;
    if (!wish->wanted || parcels_check(&session->view, &order, &sent, &inv->err) == 0)
        return 0;
    err_in(&inv->err, "--parcel");
    return cli_fail(inv);
}

int parcel_note(struct parcel_wish *wish, uint64_t first, uint64_t count, struct err *err)
{
    struct parcel_range *last = wish->range_count ? &wish->ranges[wish->range_count - 1] : NULL;
    if (last && last->first + last->count == first) {
        last->count += count;
        return 0;
    }
    if (wish->range_count == wish->range_cap) {
        size_t cap = wish->range_cap ? 2 * wish->range_cap : 16;
        struct parcel_range *grown = realloc(wish->ranges, cap * sizeof *grown);
        if (!grown)
            return err_memory(err);
        wish->ranges = grown;
        wish->range_cap = cap;
    }
    wish->ranges[wish->range_count++] = (struct parcel_range){first, count};
    return 0;
}

void parcel_print(FILE *out, const struct parcel_sent *sent, const struct log_info *author, int64_t expires_ms)
{
    char name[ORIGIN_MAX + 1], when[WHEN_TEXT_LEN + 1];
    origin_short(span_str(author->origin), name);
    when_format(expires_ms, when);
    cli_put_counted(out, sent->items, "content for ", "contents for ");
    cli_put_counted(out, sent->recipients, "member", "members");
    if (sent->parcels == 1)
        fprintf(out, " as a parcel, until %.10s: %s/%llu\n", when, name, (unsigned long long)sent->first);
    else
        fprintf(out, " as %zu parcels, until %.10s: %s/%llu to %llu\n", sent->parcels, when, name,
                (unsigned long long)sent->first, (unsigned long long)sent->last);
}

int parcel_finish(struct invocation *inv, struct session *session, struct parcel_wish *wish,
                  const struct named_audience *audience, const struct log_info *author)
{
    struct parcel_order order = order_of(wish, audience, author);
    struct parcel_sent sent;
    if (!wish->wanted || wish->range_count == 0)
        return 0;
    if (parcels_send(&session->view, &order, &sent, &inv->err)) {
        err_in(&inv->err, "said and kept, but not all of it as a parcel (`tongzhou parcel` makes one later)");
        return cli_fail(inv);
    }
    parcel_print(stderr, &sent, author, order.expires_ms);
    return 0;
}

void parcel_wish_done(struct parcel_wish *wish)
{
    free(wish->ranges);
    *wish = (struct parcel_wish){0};
}

/*
 * A bad link between two network namespaces: link FROM TO KBIT_S DELAY_MS LOSS_PERCENT
 *
 * Kernels of small virtual machines lack netem, so packets pass through this program: FROM and TO are namespaces under
 * /run/netns, each gets a tun device `link0`, and what one device is given comes out of the other: after waiting its turn
 * at KBIT_S, DELAY_MS later, or with LOSS_PERCENT never. Since whole packets are lost, TCP behaves as on a real link of that
 * kind. A queue holds what waits for its turn, for at most a second; more is dropped.
 *
 * Prints "ready" once both devices are there; whoever started it gives them addresses. SIGUSR1 cuts the link, SIGUSR2 joins it
 * again. At SIGTERM one JSON object tells what passed. The same packets are lost in every run with the same traffic.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 2048
#define QUEUE_MAX 4096 /* packets in one direction, in the air or waiting */
#define QUEUE_NS INT64_C(1000000000)

struct packet {
    int64_t due_ns;
    size_t len;
    uint8_t bytes[PACKET_MAX];
};

struct way {
    int in, out;
    struct packet *queue; /* a ring */
    size_t first, count;
    int64_t free_ns; /* when the link has sent what was given to it */
    uint64_t passed, bytes, lost, dropped, cut;
};

static struct {
    struct way ways[2];
    int64_t kbit_s, delay_ns;
    double loss;
    uint64_t state; /* of the random numbers */
} the_link;

static volatile sig_atomic_t is_cut, is_over;

static void die(const char *what)
{
    fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void on_signal(int number)
{
    if (number == SIGTERM)
        is_over = 1;
    else
        is_cut = number == SIGUSR1;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* splitmix64, as a number below 1 */
static double chance(void)
{
    uint64_t z = the_link.state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

/* A tun device belongs to the namespace in which it is opened, and its descriptor works anywhere. */
static int open_device(const char *namespace)
{
    char path[256];
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(path, sizeof(path), "/run/netns/%s", namespace);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        die(path);
    close(fd);
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(request.ifr_name, sizeof(request.ifr_name), "link0");
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
        die("tun");
    return fd;
}

static void take(struct way *way, int64_t now)
{
    struct packet *packet = &way->queue[(way->first + way->count) % QUEUE_MAX];
    uint8_t unused[PACKET_MAX];
    bool has_room = way->count < QUEUE_MAX;
    ssize_t len = read(way->in, has_room ? packet->bytes : unused, PACKET_MAX);
    if (len <= 0)
        return;
    int64_t begin = way->free_ns > now ? way->free_ns : now;
    if (is_cut) {
        way->cut++;
    } else if (!has_room || begin - now > QUEUE_NS) {
        way->dropped++;
    } else {
        way->free_ns = begin + len * 8000000 / the_link.kbit_s;
        if (chance() < the_link.loss) {
            way->lost++;
            return;
        }
        packet->due_ns = way->free_ns + the_link.delay_ns;
        packet->len = (size_t)len;
        way->count++;
    }
}

/* What has arrived leaves; returns when the next one does, or INT64_MAX. */
static int64_t give(struct way *way, int64_t now)
{
    while (way->count > 0) {
        struct packet *packet = &way->queue[way->first];
        if (packet->due_ns > now)
            return packet->due_ns;
        if (is_cut) {
            way->cut++;
        } else if (write(way->out, packet->bytes, packet->len) == (ssize_t)packet->len) {
            way->passed++;
            way->bytes += packet->len;
        }
        way->first = (way->first + 1) % QUEUE_MAX;
        way->count--;
    }
    return INT64_MAX;
}

static void carry(void)
{
    struct pollfd fds[2];
    for (int i = 0; i < 2; i++)
        fds[i] = (struct pollfd){.fd = the_link.ways[i].in, .events = POLLIN};
    while (!is_over) {
        int64_t now = now_ns(), next = give(&the_link.ways[0], now), other = give(&the_link.ways[1], now);
        next = other < next ? other : next;
        int wait_ms = next == INT64_MAX ? 1000 : (int)((next - now) / 1000000) + 1;
        if (poll(fds, 2, wait_ms) < 0 && errno != EINTR)
            die("poll");
        for (int i = 0; i < 2; i++)
            if (fds[i].revents & POLLIN)
                take(&the_link.ways[i], now_ns());
    }
}

static void report(void)
{
    printf("{");
    for (int i = 0; i < 2; i++) {
        const struct way *way = &the_link.ways[i];
        printf("%s\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"dropped\":%" PRIu64
               ",\"cut\":%" PRIu64 "}",
               i ? "," : "", i ? "back" : "forth", way->passed, way->bytes, way->lost, way->dropped, way->cut);
    }
    printf("}\n");
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    if (argc != 6) {
        fprintf(stderr, "usage: link FROM TO KBIT_S DELAY_MS LOSS_PERCENT\n");
        return 2;
    }
    the_link.kbit_s = strtoll(argv[3], NULL, 10);
    the_link.delay_ns = strtoll(argv[4], NULL, 10) * 1000000;
    the_link.loss = strtod(argv[5], NULL) / 100;
    if (the_link.kbit_s < 1) {
        fprintf(stderr, "link: %s kbit/s\n", argv[3]);
        return 2;
    }
    int from = open_device(argv[1]), to = open_device(argv[2]);
    the_link.ways[0] = (struct way){.in = from, .out = to};
    the_link.ways[1] = (struct way){.in = to, .out = from};
    for (int i = 0; i < 2; i++)
        if (!(the_link.ways[i].queue = calloc(QUEUE_MAX, sizeof(struct packet))))
            die("queue");
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    puts("ready");
    fflush(stdout);
    carry();
    report();
    return 0;
}

#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <termios.h>
#include <unistd.h>

#include "state/password.h"
#include "state/secret.h"

/* What would end this process, or stop it, while the terminal shows nothing of what is typed: it shows it again first. */
static const int endings[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};
#define ENDINGS (sizeof(endings) / sizeof(endings[0]))
static volatile sig_atomic_t ending;

static void note_ending(int number)
{
    ending = number;
}

/* One line; what is longer is refused, not cut. `heard`: signals are held back, but for while it waits; NULL: they are not. */
static int read_line(int fd, const sigset_t *heard, char out[PASSWORD_MAX + 1], struct err *err)
{
    size_t len = 0;
    for (;;) {
        char c;
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        ssize_t got = heard ? ppoll(&waiting, 1, NULL, heard) : 1;
        if (got > 0)
            got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR && !ending)
            continue;
        if (got < 0)
            return err_sys(err, "password");
        if (got == 0 || c == '\n')
            break;
        if (len == PASSWORD_MAX)
            return err_set(err, ERR_LIMIT, "password: more than %d bytes", PASSWORD_MAX);
        out[len++] = c;
    }
    out[len] = '\0';
    if (len > 0 && out[len - 1] == '\r')
        out[len - 1] = '\0';
    return 0;
}

/* Signals interrupt the reading, and mean what they meant when the terminal is as it was. */
static int read_hidden(int fd, const struct termios *shown, char out[PASSWORD_MAX + 1], struct err *err)
{
    struct sigaction before[ENDINGS], noting = {.sa_handler = note_ending};
    struct termios hidden = *shown;
    sigset_t held, heard;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    ending = 0;
    sigemptyset(&held);
    for (size_t i = 0; i < ENDINGS; i++)
        sigaddset(&held, endings[i]);
    (void)pthread_sigmask(SIG_BLOCK, &held, &heard);
    for (size_t i = 0; i < ENDINGS; i++) {
        (void)sigaction(endings[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            (void)sigaction(endings[i], &noting, NULL);
    }
    int rc = tcsetattr(fd, TCSAFLUSH, &hidden) < 0 ? err_sys(err, "/dev/tty") : read_line(fd, &heard, out, err);
    (void)tcsetattr(fd, TCSAFLUSH, shown);
    for (size_t i = 0; i < ENDINGS; i++)
        (void)sigaction(endings[i], &before[i], NULL);
    (void)pthread_sigmask(SIG_SETMASK, &heard, NULL);
    return rc;
}

static int ask_hidden(int fd, const char *prompt, char out[PASSWORD_MAX + 1], struct err *err)
{
    struct termios shown;
    int rc;
    if (tcgetattr(fd, &shown) < 0)
        return err_sys(err, "/dev/tty");
    do {
        dprintf(fd, "%s: ", prompt);
        rc = read_hidden(fd, &shown, out, err);
        dprintf(fd, "\n");
        if (ending)
            (void)raise(ending);
    } while (rc < 0 && ending == SIGTSTP); /* back in the foreground: once more */
    return rc;
}

/* Twice if it is a new one. */
static int ask_terminal(const char *prompt, bool is_new, char out[PASSWORD_MAX + 1], struct err *err)
{
    char again[PASSWORD_MAX + 1] = "";
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_USAGE, "no terminal to ask at: %s", prompt);
    int rc = ask_hidden(fd, prompt, out, err);
    if (!rc && is_new)
        rc = ask_hidden(fd, "Once more", again, err);
    if (!rc && is_new && strcmp(out, again) != 0)
        rc = err_set(err, ERR_USAGE, "the two are not the same");
    sodium_memzero(again, sizeof(again));
    close(fd);
    return rc;
}

int password_of_keys(char out[PASSWORD_MAX + 1], struct err *err)
{
    return ask_terminal("Passphrase of the keys", false, out, err);
}

int password_new_of_keys(const char *name, char out[PASSWORD_MAX + 1], struct err *err)
{
    char line[SECRET_LINE_MAX + 1];
    int rc = secret_line(NULL, name, line, err);
    if (rc == ERR_NOTFOUND)
        return ask_terminal("New passphrase for the keys", true, out, err);
    if (!rc)
        snprintf(out, PASSWORD_MAX + 1, "%s", line);
    sodium_memzero(line, sizeof(line));
    return rc;
}

static int ask_for_user(const char *name, char out[PASSWORD_MAX + 1], struct err *err)
{
    char prompt[USER_NAME_MAX + 64];
    snprintf(prompt, sizeof(prompt), "Password for %.*s", USER_NAME_MAX, name);
    int rc = ask_terminal(prompt, true, out, err);
    return rc == ERR_USAGE && access("/dev/tty", R_OK) != 0
               ? err_set(err, ERR_USAGE, "no terminal to ask for the password: give --password-stdin or --generate")
               : rc;
}

int password_ask(struct invocation *inv, const char *name, char out[PASSWORD_MAX + 1])
{
    bool from_stdin = cli_flag(inv, "password-stdin"), drawn = cli_flag(inv, "generate");
    if (from_stdin && drawn)
        return cli_usage(inv, "--password-stdin and --generate exclude each other");
    if (drawn) {
        password_generate(out);
        return 0;
    }
    int rc = from_stdin ? read_line(STDIN_FILENO, NULL, out, &inv->err) : ask_for_user(name, out, &inv->err);
    return rc ? cli_fail(inv) : 0;
}

void password_show(const struct invocation *inv, const char *password)
{
    if (cli_flag(inv, "generate"))
        printf("Password, shown this once: %s\n", password);
}

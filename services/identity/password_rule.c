/* People who must have twelve characters take a short common word and add to it: so a password is taken apart into the
 * words that are known to be common, runs of the keyboard, counting, years and repetitions, and what is left must still
 * be long enough. */
#include "password_rule.h"
#include "common_words.h"
#include <ctype.h>
#include <string.h>

enum { LEAST_REST = 4, SHORTEST_RUN = 3, SHORTEST_OWN_WORD = 4, PLAIN_SIZE = LONGEST_PASSWORD + 1 };

/* Lower case, and the usual digits and signs for letters are those letters. */
static char plain_letter(char c)
{
    static const char signs[] = "@4310$5!7", letters[] = "aaeiossit";
    const char *sign = strchr(signs, c);
    return c && sign ? letters[sign - signs] : (char)tolower((unsigned char)c);
}

/* Neighbours on a keyboard, in the alphabet or in counting, in either direction. */
static bool follows(char left, char right)
{
    static const char *const rows[] = { "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl",
        "zxcvbnm", "qwertzuiopu", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
        "!qaz@wsx#edc$rfv", "!@#$%^&*()" };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (const char *at = rows[i]; at[0] && at[1]; at++)
            if ((at[0] == left && at[1] == right) || (at[1] == left && at[0] == right))
                return true;
    return left == right;
}

static size_t run_length(const char *text)
{
    size_t length = 1;
    while (text[length] && follows(text[length - 1], text[length]))
        length++;
    return length;
}

/* The longest common word that text begins with. */
static size_t word_length(const char *text)
{
    size_t longest = 0;
    for (size_t i = 0; common_words[i]; i++) {
        size_t length = strlen(common_words[i]);
        if (length > longest && strncmp(text, common_words[i], length) == 0)
            longest = length;
    }
    return longest;
}

static size_t own_word_length(const char *text, const char *own)
{
    size_t longest = 0;
    for (const char *at = own ? own : ""; *at;) {
        size_t length = strcspn(at, " @.-_+"), same = 0;
        while (same < length && text[same] == plain_letter(at[same]))
            same++;
        if (same == length && length >= SHORTEST_OWN_WORD && length > longest)
            longest = length;
        at += length;
        at += *at != '\0';
    }
    return longest;
}

/* The same few characters again: "abcabcabc". */
static size_t repetition_length(const char *text, const char *begin)
{
    for (size_t period = 1; period <= 16 && (size_t)(text - begin) >= period; period++) {
        size_t same = 0;
        while (text[same] && text[same] == text[(ptrdiff_t)same - (ptrdiff_t)period])
            same++;
        if (same >= period && same >= SHORTEST_RUN)
            return same;
    }
    return 0;
}

static size_t longer(size_t left, size_t right)
{
    return left > right ? left : right;
}

/* How many characters are left that are neither of a common word nor of a pattern. as_typed and plain are the same
 * password with and without signs for letters. */
static size_t count_rest(const char *as_typed, const char *plain, const char *email, const char *name)
{
    size_t rest = 0;
    for (size_t at = 0; plain[at];) {
        size_t known = word_length(plain + at), run = longer(run_length(as_typed + at), run_length(plain + at));
        known = longer(known, own_word_length(plain + at, email));
        known = longer(known, own_word_length(plain + at, name));
        known = longer(known, repetition_length(plain + at, plain));
        known = longer(known, run >= SHORTEST_RUN ? run : 0);
        /* A year, a date, a number at the end: digits and signs on their own are tried early. */
        bool is_letter = isalpha((unsigned char)as_typed[at]) || (unsigned char)as_typed[at] >= 0x80;
        rest += known == 0 && is_letter;
        at += known ? known : 1;
    }
    return rest;
}

/* Digits and signs that are no pattern count once there are many: "8371 5520 9463" is no common password. */
static size_t count_odd_digits(const char *as_typed)
{
    size_t count = 0;
    for (size_t at = 0; as_typed[at];) {
        size_t run = run_length(as_typed + at);
        count += run < SHORTEST_RUN && !isalpha((unsigned char)as_typed[at]);
        at += run < SHORTEST_RUN ? 1 : run;
    }
    return count;
}

const char *password_rule_fault(const char *password, const char *email, const char *name)
{
    char as_typed[PLAIN_SIZE], plain[PLAIN_SIZE];
    size_t length = password ? strnlen(password, LONGEST_PASSWORD + 1) : 0;
    if (length < LEAST_PASSWORD)
        return "must have at least 12 characters";
    if (length > LONGEST_PASSWORD)
        return "must have at most 256 bytes";
    for (size_t i = 0; i <= length; i++) {
        as_typed[i] = (char)tolower((unsigned char)password[i]);
        plain[i] = plain_letter(password[i]);
    }
    size_t odd_digits = count_odd_digits(as_typed);
    if (count_rest(as_typed, plain, email, name) + (odd_digits >= 8 ? odd_digits / 2 : 0) >= LEAST_REST)
        return NULL;
    return "is one of those that are tried first (common words, names, years, rows of the keyboard): take a few words "
           "that do not belong together";
}

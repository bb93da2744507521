#include "problem_kinds.h"

const struct problem_kind problem_kinds[] = {
    { "malformed", 400, "The request cannot be read: its path, query, headers or body are not what they say.",
        "Mend the request; the detail says where it broke." },
    { "malformed-json", 400, "The body is not the JSON that this call takes.", "Mend the body." },
    { "body-cut-short", 400, "The connection ended before the body did.", "Send it again." },
    { "unauthenticated", 401, "There is no token, or it has ended, was revoked or is not ours.",
        "Log in (POST /auth/login) or refresh (POST /auth/refresh), then ask again." },
    { "denied", 403, "None of your roles may do this, or not in this tenant.", "Ask your administrator for the role." },
    { "not-found", 404, "There is no such thing, or it is not yours to see.",
        "Look the id up; lists show what there is." },
    { "method-not-allowed", 405, "The path is there, but not for this method.",
        "The Allow header names those it takes." },
    { "mfa-required", 401, "The password is right; the account wants a second factor too.",
        "Send the same login with otp: the six digits of the authenticator, or a recovery code." },
    { "not-acceptable", 406, "The answer cannot be of a type that Accept names.", "Accept application/json." },
    { "too-slow", 408, "The body came too slowly.", "Send it again, over a better line or in parts." },
    { "conflict", 409, "It is there already, or something depends on it, or it has changed meanwhile.",
        "Read it anew and decide." },
    { "precondition-failed", 412, "It is not as If-Match says any more.", "Read it anew, then change it." },
    { "too-large", 413, "The body is larger than this call takes.", "Send it in parts." },
    { "too-many-readings", 413, "More readings than one call takes.", "Send them in several calls." },
    { "unsupported-media-type", 415, "The body is of a type or encoding that this call does not take.",
        "Send application/json in UTF-8." },
    { "invalid", 422, "Fields or query parameters are wrong; errors names each with its reason.",
        "Mend the fields named." },
    { "bad-readings", 422,
        "Some readings of the batch are wrong, and nothing was stored; errors has the index of each.",
        "Mend or leave out those named, or send with ?on_error=skip." },
    { "bad-items", 422, "Some items of a bulk call are wrong, and nothing was changed; errors has the index of each.",
        "Mend or leave out those named, or send with ?on_error=skip." },
    { "upgrade-required", 426, "This path speaks WebSocket only.", "Send Upgrade: websocket, or use GET /stream." },
    { "too-many-requests", 429, "You, your tenant or your address asked more often than allowed.",
        "Wait as many seconds as Retry-After says; RateLimit shows what is left." },
    { "quota-used-up", 429,
        "Your tenant has sent as many readings as its quota has for a day; nothing of this call was taken.",
        "Wait as many seconds as Retry-After says, or have the quota raised." },
    { "internal", 500, "A fault of ours; it was logged.", "Name the request_id when you report it." },
    { "unavailable", 503, "A part of the system is away for a moment.", "Try again after Retry-After." },
    { "busy", 503, "Too much is under way for one more.", "Try again after Retry-After." },
    { "full", 503, "Readings come in faster than they can be stored; nothing was taken.",
        "Try again after Retry-After." },
    { "no-alerting", 503,
        "The service alerting, which keeps the alarms, does not answer: it is not installed, or is away.",
        "See GET /system/services; try again once it runs." },
    { "no-detector", 503,
        "The service anomaly-detector, which keeps the anomalies, does not answer: it is not installed, or is away.",
        "See GET /system/services; try again once it runs." },
    { "not-known", 503, "It is not known whether the batch was taken.",
        "Send the same again: readings that are there count as duplicate." },
    { "timeout", 504, "The answer did not come in time; what was asked may have been done.",
        "Look, or send the same again with the same Idempotency-Key." },
    { 0 },
};

static const char head[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>NWIMS: kinds of problems</title><style>"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border-top:1px solid #ccc;padding:.4rem "
    ".6rem;text-align:left;vertical-align:top}"
    "code{white-space:nowrap}</style></head><body><h1>Kinds of problems</h1>"
    "<p>Errors are problem details (RFC 9457). <code>type</code> is <code>urn:nwims:problem:</code> and one of these "
    "kinds, which never change their meaning.</p><table><tr><th>kind</th><th>status</th><th>meaning</th><th>what to "
    "do</th></tr>";

void problem_kinds_write_page(struct buffer *out)
{
    buffer_put_text(out, head);
    for (const struct problem_kind *kind = problem_kinds; kind->kind; kind++)
        buffer_printf(out, "<tr id=\"%s\"><td><code>%s</code></td><td>%d</td><td>%s</td><td>%s</td></tr>", kind->kind,
            kind->kind, kind->status, kind->meaning, kind->remedy);
    buffer_put_text(out, "</table></body></html>");
}

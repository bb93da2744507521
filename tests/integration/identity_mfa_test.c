/* The second factor: enrolling, codes that are good once, recovery, and the way back. */
#include "auth/totp.h"
#include "tests/integration/identity_stack.h"

static int32_t lakeside;

static int start(void **state)
{
    if (start_served(state) != 0)
        return -1;
    lakeside = create_tenant("lakeside", NULL)->id;
    struct rpc_caller caller = national(lakeside);
    must(create_user(&caller, "boss@lakeside.example", "tenant_admin") != NULL);
    return 0;
}

static unsigned char secret[TOTP_SECRET_SIZE];

static void read_base32(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    size_t have = 0, size = 0;
    for (; *text && size < sizeof secret; text++) {
        bits = bits << 5 | (uint32_t)(strchr(digits, *text) - digits);
        for (have += 5; have >= 8; have -= 8)
            secret[size++] = (unsigned char)(bits >> (have - 8));
    }
    assert_int_equal(size, sizeof secret);
}

/* A code that the service takes for the one of now, as if none had been used. */
static char *code_of_now(void)
{
    char code[TOTP_CODE_SIZE];
    sql("UPDATE identity.app_user SET mfa_last_step = -1");
    totp_code(code, secret, clock_now_us() / 1000000 / TOTP_STEP_S);
    return t(code);
}

static Nwims__V1__TokenReply *login_with(const char *email, const char *otp)
{
    Nwims__V1__LoginRequest request = NWIMS__V1__LOGIN_REQUEST__INIT;
    sql("DELETE FROM identity.login_failure");
    request.email = t(email);
    request.password = t(USUAL_WORD);
    request.otp = otp ? t(otp) : NULL;
    return call("Login", NULL, &request.base);
}

static void *verify_code(const struct rpc_caller *caller, const char *otp)
{
    Nwims__V1__VerifyMfaRequest request = NWIMS__V1__VERIFY_MFA_REQUEST__INIT;
    request.otp = t(otp);
    return call("VerifyMfa", caller, &request.base);
}

static Nwims__V1__MfaEnrollment *enroll(const struct rpc_caller *caller, const char *password)
{
    Nwims__V1__EnrollMfaRequest request = NWIMS__V1__ENROLL_MFA_REQUEST__INIT;
    request.password = t(password);
    return call("EnrollMfa", caller, &request.base);
}

static void *disable_mfa(const struct rpc_caller *caller, const char *otp)
{
    Nwims__V1__DisableMfaRequest request = NWIMS__V1__DISABLE_MFA_REQUEST__INIT;
    request.password = t(USUAL_WORD);
    request.otp = t(otp);
    return call("DisableMfa", caller, &request.base);
}

static char recovery[3][32];

static void a_second_factor_counts_when_its_first_code_was_right(void **state)
{
    struct rpc_caller boss = person("boss@lakeside.example");
    (void)state;
    expect_refused(verify_code(&boss, "000000"), ERR_CONFLICT, NULL); /* not enrolled */
    expect_refused(enroll(&boss, "not the password"), ERR_DENIED, NULL);
    Nwims__V1__MfaEnrollment *enrollment = enroll(&boss, USUAL_WORD);
    must(enrollment != NULL);
    assert_int_equal(enrollment->n_recovery_codes, 10);
    assert_non_null(strstr(enrollment->otpauth_uri, enrollment->secret));
    for (size_t i = 0; i < COUNT_OF(recovery); i++)
        snprintf(recovery[i], sizeof recovery[i], "%s", enrollment->recovery_codes[i]);
    read_base32(enrollment->secret);
    must(login_with("boss@lakeside.example", NULL) != NULL); /* does not count yet */
    char *wrong = code_of_now();
    wrong[5] = wrong[5] == '0' ? '1' : '0';
    expect_refused(verify_code(&boss, wrong), ERR_INPUT, "otp");
    must(verify_code(&boss, code_of_now()) != NULL);
    expect_refused(enroll(&boss, USUAL_WORD), ERR_CONFLICT, NULL); /* a thief must not change it */
    assert_int_equal(number_of(superuser, "SELECT count(*) FROM identity.app_user WHERE length(mfa_secret) = 20"), 0);
}

static void without_the_code_nobody_gets_in_and_a_code_is_good_once(void **state)
{
    (void)state;
    expect_refused(login_with("boss@lakeside.example", NULL), ERR_UNAUTHENTICATED, NULL);
    assert_string_equal(failure->type, "mfa-required");
    char *code = code_of_now();
    must(login_with("boss@lakeside.example", code) != NULL);
    expect_refused(login_with("boss@lakeside.example", code), ERR_UNAUTHENTICATED, NULL);
    expect_refused(login_with("boss@lakeside.example", "000000 and more"), ERR_UNAUTHENTICATED, NULL);
}

static void a_recovery_code_stands_for_one_code(void **state)
{
    (void)state;
    must(login_with("boss@lakeside.example", recovery[0]) != NULL);
    expect_refused(login_with("boss@lakeside.example", recovery[0]), ERR_UNAUTHENTICATED, NULL);
    assert_int_equal(number_of(superuser, "SELECT count(*) FROM identity.recovery_code"), 9);
}

static void wrong_codes_lock_the_account_as_wrong_passwords_do(void **state)
{
    Nwims__V1__LoginRequest request = NWIMS__V1__LOGIN_REQUEST__INIT;
    struct access_claims claims;
    (void)state;
    Nwims__V1__TokenReply *tokens = login_with("boss@lakeside.example", recovery[1]);
    must(tokens != NULL);
    struct rpc_caller boss = caller_of_token(tokens->access_token, &claims);
    sql("DELETE FROM identity.login_failure");
    request.email = t("boss@lakeside.example");
    request.password = t(USUAL_WORD);
    request.otp = t("123 no code");
    for (int i = 0; i < 5; i++)
        expect_refused(call("Login", NULL, &request.base), ERR_UNAUTHENTICATED, NULL);
    expect_refused(call("Login", NULL, &request.base), ERR_LIMIT, NULL);
    /* Who has the password and a session must not find the code by trying either. */
    sql("DELETE FROM identity.login_failure");
    for (int i = 0; i < 5; i++)
        expect_refused(disable_mfa(&boss, "wrong code"), ERR_INPUT, "otp");
    expect_refused(disable_mfa(&boss, recovery[2]), ERR_LIMIT, NULL);
    sql("DELETE FROM identity.login_failure");
    must(disable_mfa(&boss, recovery[2]) != NULL);
    must(login_with("boss@lakeside.example", NULL) != NULL);
    assert_int_equal(number_of(superuser, "SELECT count(*) FROM identity.recovery_code"), 0);
}

static void who_lost_the_authenticator_is_helped_by_an_administrator(void **state)
{
    struct rpc_caller caller = national(lakeside), boss = person("boss@lakeside.example");
    Nwims__V1__ResetPasswordRequest reset = NWIMS__V1__RESET_PASSWORD_REQUEST__INIT;
    Nwims__V1__UseResetSecretRequest use = NWIMS__V1__USE_RESET_SECRET_REQUEST__INIT;
    (void)state;
    Nwims__V1__MfaEnrollment *enrollment = enroll(&boss, USUAL_WORD);
    must(enrollment != NULL);
    read_base32(enrollment->secret);
    must(verify_code(&boss, code_of_now()) != NULL);
    reset.id = t(boss.actor);
    reset.has_reset_mfa = reset.reset_mfa = true;
    Nwims__V1__ResetSecret *shown = call("ResetPassword", &caller, &reset.base);
    must(shown != NULL);
    use.reset_secret = t(shown->reset_secret);
    use.new_password = t("password1234");
    expect_refused(call("UseResetSecret", NULL, &use.base), ERR_INPUT, "new_password");
    use.new_password = t(USUAL_WORD);
    must(call("UseResetSecret", NULL, &use.base) != NULL);
    expect_refused(call("UseResetSecret", NULL, &use.base), ERR_UNAUTHENTICATED, NULL); /* once */
    must(login_with("boss@lakeside.example", NULL) != NULL);
}

static void statements_that_forget_the_tenant_do_no_more(void **state)
{
    (void)state;
    check_forgotten_tenant(10, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_factor_counts_when_its_first_code_was_right),
        cmocka_unit_test(without_the_code_nobody_gets_in_and_a_code_is_good_once),
        cmocka_unit_test(a_recovery_code_stands_for_one_code),
        cmocka_unit_test(wrong_codes_lock_the_account_as_wrong_passwords_do),
        cmocka_unit_test(who_lost_the_authenticator_is_helped_by_an_administrator),
        cmocka_unit_test(statements_that_forget_the_tenant_do_no_more),
    };
    return cmocka_run_group_tests(tests, start, stop_servers);
}

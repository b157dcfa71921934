#!/bin/sh
# Lets the commands that follow take the role that the job's OpenID Connect token
# stands for. It is sourced: ". .regsnap/role.sh". Without a token it does nothing.
#
#   REGSNAP_TOKEN           the token
#   AWS_ROLE_ARN            AWS: the role
#   GOOGLE_PROVIDER         Google: the provider, projects/…/providers/…
#   GOOGLE_SERVICE_ACCOUNT  Google: the account to act as (default: the provider's own rights)

if [ -n "${REGSNAP_TOKEN:-}" ]; then
  regsnap_role=$(umask 077 && mktemp -d)
  trap 'rm -rf "$regsnap_role"' EXIT
  (umask 077 && printf %s "$REGSNAP_TOKEN" >"$regsnap_role/token")
  if [ -n "${AWS_ROLE_ARN:-}" ]; then
    export AWS_WEB_IDENTITY_TOKEN_FILE="$regsnap_role/token" AWS_ROLE_ARN
  fi
  if [ -n "${GOOGLE_PROVIDER:-}" ]; then
    regsnap_as=
    if [ -n "${GOOGLE_SERVICE_ACCOUNT:-}" ]; then
      regsnap_as="\"service_account_impersonation_url\": \"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/$GOOGLE_SERVICE_ACCOUNT:generateAccessToken\","
    fi
    cat >"$regsnap_role/google.json" <<END
{
  "type": "external_account",
  "audience": "//iam.googleapis.com/$GOOGLE_PROVIDER",
  "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
  "token_url": "https://sts.googleapis.com/v1/token", $regsnap_as
  "credential_source": {"file": "$regsnap_role/token"}
}
END
    export GOOGLE_APPLICATION_CREDENTIALS="$regsnap_role/google.json"
  fi
  unset REGSNAP_TOKEN
fi

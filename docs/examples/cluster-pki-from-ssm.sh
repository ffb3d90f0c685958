#!/bin/sh
# For sprout image bake --cluster-pki-command: prints this node's part of the cluster's authorities, kept as SecureStrings of
# SSM's Parameter Store, by the role of the instance's profile. The image must have Debian's awscli.
# Called with: control-plane|worker, this node's name, API_SERVER_DOMAIN. It has 20 seconds, and is called again for a minute.
set -eu
role=$1 domain=$3

export AWS_REGION=eu-west-1
# The role's credentials come from the instance's metadata service, which may be late while a machine boots.
export AWS_METADATA_SERVICE_TIMEOUT=2 AWS_METADATA_SERVICE_NUM_ATTEMPTS=3
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=3

exec aws ssm get-parameter --name "/sprout/$domain/$role" --with-decryption \
  --query Parameter.Value --output text --cli-connect-timeout 2 --cli-read-timeout 4

# One cluster of provider `external` on EC2, an instance for each of its nodes. Unverified: neither Terraform nor an AWS
# account was at hand where this was written. docs/external.md describes what happens.
#
# `sprout` must be on the PATH, SPROUT_SERVER and SPROUT_TOKEN in the environment.

terraform {
  required_version = ">= 1.4"
  required_providers {
    aws   = { source = "hashicorp/aws" }
    local = { source = "hashicorp/local" }
  }
}

variable "name" { type = string }
variable "server_authority" {
  type        = string
  description = "PEM file, tls/ca.crt of the server's data directory"
}
variable "workers" {
  type    = number
  default = 3
  validation {
    condition     = var.workers >= 0 && var.workers <= 99
    error_message = "Beyond 99 workers the names of nodes have three digits: change the format below"
  }
}
variable "base_domain" {
  type    = string
  default = "sprout.internal"
}
variable "ami" { type = string }
variable "subnet" { type = string }
variable "security_groups" { type = list(string) }
variable "instance_type" {
  type    = string
  default = "m6i.large"
}

locals {
  domain  = "${var.name}.${var.base_domain}"
  workers = [for index in range(var.workers) : format("node%02d.%s", index + 1, local.domain)]
  members = toset(concat(["cp01.${local.domain}"], local.workers))
}

resource "terraform_data" "cluster" {
  input            = { name = var.name, authority = var.server_authority }
  triggers_replace = [var.name, var.workers]

  provisioner "local-exec" {
    command = "sprout --ca \"$CA\" clusters create \"$NAME\" --control-planes 1 --workers \"$WORKERS\" --provider external --ttl 24h --idempotency-key \"$KEY\""
    environment = {
      NAME    = self.input.name
      CA      = self.input.authority
      WORKERS = var.workers
      KEY     = self.id
    }
  }

  # After its instances are gone. By then its time to live may have ended it.
  provisioner "local-exec" {
    when       = destroy
    on_failure = continue
    command    = "sprout --ca \"$CA\" clusters delete \"$NAME\" --wait"
    environment = {
      NAME = self.input.name
      CA   = self.input.authority
    }
  }
}

# A resource, because each answer voids the last one: a data source would ask again with every plan.
resource "terraform_data" "user_data" {
  for_each         = local.members
  input            = "${path.root}/user-data-${each.key}.json"
  triggers_replace = [terraform_data.cluster.id]

  provisioner "local-exec" {
    command = "sprout --ca \"$CA\" clusters user-data \"$NAME\" \"$MEMBER\" --format json --output \"$FILE\""
    environment = {
      NAME   = var.name
      MEMBER = each.key
      FILE   = self.input
      CA     = var.server_authority
    }
  }
}

data "local_sensitive_file" "user_data" {
  for_each   = local.members
  filename   = "${path.root}/user-data-${each.key}.json"
  depends_on = [terraform_data.user_data]
}

resource "aws_instance" "node" {
  for_each               = local.members
  ami                    = var.ami
  instance_type          = var.instance_type
  subnet_id              = var.subnet
  vpc_security_group_ids = var.security_groups
  user_data              = data.local_sensitive_file.user_data[each.key].content
  # Sprout's routes carry pods' packets with pods' addresses.
  source_dest_check = false
  tags              = { Name = each.key }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  lifecycle {
    ignore_changes       = [user_data]
    replace_triggered_by = [terraform_data.user_data[each.key]]
  }
}

# An AMI with everything a node needs. Debian's Packer (1.6.6) includes the amazon-ebs builder; later versions need it
# installed first: packer plugins install github.com/hashicorp/amazon
#
#   packer build -var region=eu-west-1 images/ec2/sprout.pkr.hcl

variable "region" {
  type = string
}

variable "kubernetes_version" {
  type    = string
  default = "v1.37.2"
}

variable "bake_options" {
  type        = list(string)
  description = "Further options of sprout image bake."
  default     = []
}

variable "inputs" {
  type        = string
  description = "Folder of files that bake_options name, as inputs/FILE."
  default     = ""
}

# Type of the instance that bakes; it also compiles Kubernetes if that comes from modules.
variable "instance_type" {
  type    = string
  default = "m6i.large"
}

# amd64 or arm64: architecture of the instance that bakes, and of this project's node_modules.
variable "architecture" {
  type    = string
  default = "amd64"
}

variable "source_ami_filters" {
  type        = map(string)
  description = "AMI to start from, instead of Debian's newest one."
  default     = {}
}

variable "source_ami_owner" {
  type        = string
  description = "Account that owns the source AMI; Debian's by default (https://wiki.debian.org/Cloud/AmazonEC2Image)."
  default     = "136693071363"
}

variable "ssh_username" {
  type    = string
  default = "admin"
}

# Packer's default is the account's default VPC.
variable "subnet_id" {
  type    = string
  default = ""
}

variable "associate_public_ip_address" {
  type    = bool
  default = false
}

variable "volume_gib" {
  type    = number
  default = 20
}

variable "encrypted" {
  type    = bool
  default = true
}

variable "kms_key_id" {
  type        = string
  description = "KMS key of the snapshot; the account's key for EBS by default."
  default     = ""
}

variable "ami_users" {
  type        = list(string)
  description = "Accounts that may launch the AMI; for an encrypted AMI they need access to its key."
  default     = []
}

variable "tags" {
  type    = map(string)
  default = {}
}

locals {
  archive           = "${path.root}/../../dist/sprout-project.tar.gz"
  ec2_architectures = { amd64 = "x86_64", arm64 = "arm64" }
  debian_filters = {
    name                = "debian-13-${var.architecture}-*"
    architecture        = local.ec2_architectures[var.architecture]
    root-device-type    = "ebs"
    virtualization-type = "hvm"
  }
  tags = merge(var.tags, {
    "sprout:kubernetes-version" = var.kubernetes_version
    "sprout:source-ami"         = "{{ .SourceAMI }}"
  })
}

source "amazon-ebs" "sprout" {
  region                      = var.region
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  associate_public_ip_address = var.associate_public_ip_address
  ssh_username                = var.ssh_username
  ssh_clear_authorized_keys   = true

  source_ami_filter {
    filters     = length(var.source_ami_filters) > 0 ? var.source_ami_filters : local.debian_filters
    owners      = [var.source_ami_owner]
    most_recent = true
  }

  ami_name                = "sprout-${var.kubernetes_version}-${var.architecture}-{{ isotime \"20060102-150405\" }}"
  ami_description         = "Sprout node, Kubernetes ${var.kubernetes_version}, Debian 13"
  ami_virtualization_type = "hvm"
  ami_users               = var.ami_users
  ena_support             = true
  tags                    = local.tags
  snapshot_tags           = local.tags
  run_tags                = merge(var.tags, { Name = "sprout-image-bake" })
  run_volume_tags         = merge(var.tags, { Name = "sprout-image-bake" })

  # For the instance that bakes, and for every instance of the AMI.
  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = var.volume_gib
    iops                  = 3000
    throughput            = 125
    encrypted             = var.encrypted
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }
}

build {
  sources = ["source.amazon-ebs.sprout"]

  provisioner "shell-local" {
    inline = ["sh '${path.root}/pack.sh' '${local.archive}' '${var.inputs}'"]
  }

  provisioner "file" {
    source      = local.archive
    destination = "/tmp/sprout-project.tar.gz"
    generated   = true
  }

  provisioner "shell" {
    script          = "${path.root}/provision.sh"
    execute_command = "sudo sh '{{ .Path }}' /tmp/sprout-project.tar.gz --kubernetes-version ${var.kubernetes_version} ${join(" ", var.bake_options)}"
  }

  post-processor "manifest" {
    output = "${path.root}/../../dist/ami.json"
  }
}

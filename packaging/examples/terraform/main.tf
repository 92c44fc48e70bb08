# Droplets that enrol without a secret in Terraform: none in the state, none in a plan, and none in
# user-data. The machine is made without Seawall; once it answers, a script with a fresh token goes
# from the collector to it, through a pipe. A provisioner's output and command are in no state.
#
# The other way, user-data with a token: see docs/bootstrap.md.

terraform {
  required_version = ">= 1.4"
  required_providers {
    digitalocean = {
      source  = "digitalocean/digitalocean"
      version = "~> 2.0"
    }
  }
}

variable "names" {
  type    = set(string)
  default = ["web-1"]
  validation {
    condition     = alltrue([for n in var.names : can(regex("^[a-z0-9][a-z0-9-]*$", n))])
    error_message = "Names become arguments of a shell: lower case letters, digits and hyphens."
  }
}

variable "collector" {
  type        = string
  description = "Where seawall-collector runs, for ssh."
  default     = "root@collector.example.net"
}

variable "ssh_keys" {
  type = list(string)
}

resource "digitalocean_droplet" "host" {
  for_each = var.names
  name     = each.key
  image    = "debian-12-x64"
  size     = "s-1vcpu-1gb"
  region   = "fra1"
  ssh_keys = var.ssh_keys
}

resource "terraform_data" "enrolment" {
  for_each         = digitalocean_droplet.host
  triggers_replace = each.value.id # once for each machine

  provisioner "local-exec" {
    quiet       = true
    interpreter = ["bash", "-euo", "pipefail", "-c"]
    environment = {
      COLLECTOR = var.collector
      HOST      = each.value.ipv4_address
      NAME      = each.key
    }
    command = <<-EOT
      to="ssh -o StrictHostKeyChecking=accept-new -o ConnectTimeout=10 root@$HOST"
      for try in $(seq 30); do $to cloud-init status --wait >/dev/null && break; sleep 10; done
      ssh "$COLLECTOR" seawall-collector bootstrap --format shell --ttl 10m --name "$NAME" | $to sh
    EOT
  }
}

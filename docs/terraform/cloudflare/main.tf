# The registry of one environment on Cloudflare, as docs/deploy-cloudflare.md makes
# it by hand: a private bucket of R2, a Worker, and its hostname.

terraform {
  required_version = ">= 1.5"
  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.0"
    }
  }
}

resource "cloudflare_r2_bucket" "registry" {
  account_id = var.account_id
  name       = var.name
  location   = "weur"
}

# What `regsnap edge cloudflare --r2 NAME --out worker` wrote.
resource "cloudflare_workers_script" "edge" {
  account_id         = var.account_id
  script_name        = "registry-${var.environment}"
  content            = file("${var.worker}/worker.js")
  main_module        = "worker.js"
  compatibility_date = jsondecode(file("${var.worker}/wrangler.json")).compatibility_date
  bindings = [{
    type        = "r2_bucket"
    name        = "BUCKET"
    bucket_name = cloudflare_r2_bucket.registry.name
  }]
}

resource "cloudflare_workers_custom_domain" "edge" {
  account_id = var.account_id
  zone_id    = var.zone_id
  hostname   = var.hostname
  service    = cloudflare_workers_script.edge.script_name
}

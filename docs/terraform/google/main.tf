# The registry on Google Cloud, as docs/deploy-google.md makes it by hand: a bucket,
# the accounts that publish and read, `regsnap serve` on Cloud Run, and a load
# balancer with Cloud CDN.

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
}

resource "google_storage_bucket" "registry" {
  name                        = var.name
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

resource "google_service_account" "publisher" {
  account_id = "publisher"
}

resource "google_service_account" "edge" {
  account_id = "edge"
}

# Replacing the pointer needs the permission to delete, so the role cannot be smaller.
resource "google_storage_bucket_iam_member" "publisher" {
  bucket = google_storage_bucket.registry.name
  role   = "roles/storage.objectUser"
  member = google_service_account.publisher.member
}

resource "google_storage_bucket_iam_member" "edge" {
  bucket = google_storage_bucket.registry.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.edge.member
}

resource "google_iam_workload_identity_pool" "ci" {
  workload_identity_pool_id = "ci"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }
  attribute_condition = "assertion.repository == '${var.repository}' && assertion.ref in ${jsonencode(var.refs)}"
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "publisher" {
  service_account_id = google_service_account.publisher.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci.name}/attribute.repository/${var.repository}"
}

resource "google_cloud_run_v2_service" "registry" {
  name     = "registry"
  location = var.region
  ingress  = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  template {
    service_account = google_service_account.edge.email
    scaling {
      min_instance_count = 1
    }
    containers {
      image = var.image
      args  = ["serve", "--bucket", "gs://${google_storage_bucket.registry.name}", "--env", var.environment, "--listen", ":8080"]
      resources {
        cpu_idle = false # the server follows the pointer between requests
        limits   = { cpu = "1", memory = "512Mi" }
      }
      startup_probe {
        http_get {
          path = "/health"
        }
      }
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "everyone" {
  name     = google_cloud_run_v2_service.registry.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_compute_region_network_endpoint_group" "registry" {
  name                  = "registry"
  region                = var.region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = google_cloud_run_v2_service.registry.name
  }
}

# The default cache key has protocol, host and the whole query string.
resource "google_compute_backend_service" "registry" {
  name                  = "registry"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  enable_cdn            = true
  compression_mode      = "DISABLED"
  cdn_policy {
    cache_mode        = "USE_ORIGIN_HEADERS"
    negative_caching  = false
    serve_while_stale = 0
  }
  backend {
    group = google_compute_region_network_endpoint_group.registry.id
  }
}

resource "google_compute_url_map" "registry" {
  name            = "registry"
  default_service = google_compute_backend_service.registry.id
}

resource "google_compute_managed_ssl_certificate" "registry" {
  name = "registry"
  managed {
    domains = [var.hostname]
  }
}

resource "google_compute_target_https_proxy" "registry" {
  name             = "registry"
  url_map          = google_compute_url_map.registry.id
  ssl_certificates = [google_compute_managed_ssl_certificate.registry.id]
}

resource "google_compute_global_address" "registry" {
  name = "registry"
}

resource "google_compute_global_forwarding_rule" "registry" {
  name                  = "registry"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.registry.id
  target                = google_compute_target_https_proxy.registry.id
  port_range            = "443"
}

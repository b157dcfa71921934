output "address" {
  description = "What the hostname points to."
  value       = google_compute_global_address.registry.address
}

output "publisher" {
  description = "The account that CI impersonates."
  value       = google_service_account.publisher.email
}

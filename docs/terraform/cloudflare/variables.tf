variable "account_id" {
  description = "The account."
  type        = string
}

variable "zone_id" {
  description = "The zone of the hostname."
  type        = string
}

variable "name" {
  description = "The bucket's name."
  type        = string
}

variable "environment" {
  description = "The environment that is served."
  type        = string
  default     = "production"
}

variable "hostname" {
  description = "The hostname of clients, such as epr.example.org."
  type        = string
}

variable "worker" {
  description = "The folder that `regsnap edge cloudflare` wrote."
  type        = string
}

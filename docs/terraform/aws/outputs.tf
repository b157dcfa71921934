output "bucket" {
  description = "For --bucket and REGSNAP_BUCKET."
  value       = "s3://${aws_s3_bucket.registry.bucket}?region=${aws_s3_bucket.registry.region}"
}

output "publisher_role_arn" {
  description = "The role that CI assumes."
  value       = aws_iam_role.publisher.arn
}

output "domain_name" {
  description = "What the hostname's CNAME or alias points to."
  value       = aws_cloudfront_distribution.registry.domain_name
}

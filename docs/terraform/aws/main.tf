# The registry of one environment on AWS, as docs/deploy-aws.md makes it by hand:
# a bucket, the role that publishes, two functions and a distribution.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "~> 6.0"
      configuration_aliases = [aws.us_east_1]
    }
  }
}

locals {
  bucket_arn = aws_s3_bucket.registry.arn
  issuer     = "token.actions.githubusercontent.com"
}

resource "aws_s3_bucket" "registry" {
  bucket = var.name
}

resource "aws_s3_bucket_public_access_block" "registry" {
  bucket                  = aws_s3_bucket.registry.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# No rule may expire objects: an old object may be part of what is live.
resource "aws_s3_bucket_lifecycle_configuration" "registry" {
  bucket = aws_s3_bucket.registry.id
  rule {
    id     = "abort"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

data "aws_iam_policy_document" "publisher" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arn}/*"]
  }
  statement {
    actions = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = [
      "${local.bucket_arn}/packages/*",
      "${local.bucket_arn}/responses/*",
      "${local.bucket_arn}/leases/*",
      "${local.bucket_arn}/snapshots/${var.environment}/*",
      "${local.bucket_arn}/audit/${var.environment}/*",
      "${local.bucket_arn}/tags/${var.environment}/*",
      "${local.bucket_arn}/environments/${var.environment}.json",
    ]
  }
  statement {
    actions   = ["s3:DeleteObject"]
    resources = ["${local.bucket_arn}/leases/*"]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [var.oidc_provider_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = var.publishers
    }
  }
}

resource "aws_iam_role" "publisher" {
  name               = "${var.name}-publisher-${var.environment}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "publisher" {
  name   = "bucket"
  role   = aws_iam_role.publisher.id
  policy = data.aws_iam_policy_document.publisher.json
}

data "aws_iam_policy_document" "edge_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "edge" {
  statement {
    actions   = ["s3:GetObject"]
    resources = [for prefix in ["environments", "snapshots", "packages", "responses", "audit/${var.environment}"] : "${local.bucket_arn}/${prefix}/*"]
  }
}

resource "aws_iam_role" "edge" {
  name               = "${var.name}-edge-${var.environment}"
  assume_role_policy = data.aws_iam_policy_document.edge_trust.json
}

resource "aws_iam_role_policy" "edge" {
  name   = "bucket"
  role   = aws_iam_role.edge.id
  policy = data.aws_iam_policy_document.edge.json
}

resource "aws_iam_role_policy_attachment" "edge" {
  role       = aws_iam_role.edge.id
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

# What `regsnap edge cloudfront --out functions` wrote.
resource "aws_lambda_function" "edge" {
  for_each         = toset(["origin-request", "origin-response"])
  provider         = aws.us_east_1
  function_name    = "${var.name}-${var.environment}-${each.key}"
  role             = aws_iam_role.edge.arn
  runtime          = "nodejs22.x"
  handler          = "index.handler"
  memory_size      = 128
  timeout          = 30
  publish          = true
  filename         = "${var.functions}/${each.key}.zip"
  source_code_hash = filebase64sha256("${var.functions}/${each.key}.zip")
}

resource "aws_cloudfront_cache_policy" "registry" {
  name        = "${var.name}-${var.environment}"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 31536000
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_gzip   = true
    enable_accept_encoding_brotli = false
    query_strings_config {
      query_string_behavior = "all"
    }
    headers_config {
      header_behavior = "none"
    }
    cookies_config {
      cookie_behavior = "none"
    }
  }
}

resource "aws_cloudfront_origin_access_control" "registry" {
  name                              = "${var.name}-${var.environment}"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "registry" {
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  aliases         = [var.hostname]
  comment         = "Package registry, ${var.environment}"

  origin {
    origin_id                = "bucket"
    domain_name              = aws_s3_bucket.registry.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.registry.id
  }

  default_cache_behavior {
    target_origin_id       = "bucket"
    viewer_protocol_policy = "redirect-to-https"
    compress               = false
    cache_policy_id        = aws_cloudfront_cache_policy.registry.id
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    dynamic "lambda_function_association" {
      for_each = aws_lambda_function.edge
      content {
        event_type   = lambda_function_association.key
        lambda_arn   = lambda_function_association.value.qualified_arn
        include_body = false
      }
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
}

data "aws_iam_policy_document" "bodies" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arn}/packages/*", "${local.bucket_arn}/responses/*"]
    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "AWS:SourceArn"
      values   = [aws_cloudfront_distribution.registry.arn]
    }
  }
}

resource "aws_s3_bucket_policy" "registry" {
  bucket = aws_s3_bucket.registry.id
  policy = data.aws_iam_policy_document.bodies.json
}

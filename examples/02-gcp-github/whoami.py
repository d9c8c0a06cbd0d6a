"""Says who this job is at Google: by Application Default Credentials, as every Google library finds them."""
import google.auth
from google.auth.transport.requests import Request

credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
credentials.refresh(Request())
print(credentials.service_account_email, "in", project, "until", credentials.expiry)

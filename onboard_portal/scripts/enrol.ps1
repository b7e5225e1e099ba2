# What follows is the same for everybody. The lines above set addresses, certificates (base64 of DER)
# and sentences. The key is made by Windows, in the TPM where there is one, and cannot be exported.

$ErrorActionPreference = 'Stop'
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

$Base64 = 1           # EncodingType: XCN_CRYPT_STRING_BASE64
$Hex = 4              # EncodingType: XCN_CRYPT_STRING_HEX
$ContextUser = 1      # X509CertificateEnrollmentContext
$AllUsages = 0xffffff # X509PrivateKeyUsageFlags: SCEP signs with the key and decrypts with it
$Success = 0          # X509SCEPDisposition

function ConvertTo-Certificate([string] $Text) {
	$bytes = [Convert]::FromBase64String($Text)
	New-Object System.Security.Cryptography.X509Certificates.X509Certificate2 -ArgumentList (, $bytes)
}

function Add-ToStore([string] $Name, $Certificate) {
	$store = New-Object System.Security.Cryptography.X509Certificates.X509Store -ArgumentList $Name, 'CurrentUser'
	$store.Open('ReadWrite')
	try { $store.Add($Certificate) } finally { $store.Close() }
}

# A PKCS#10 request whose key lies with $Provider.
function New-Request([string] $Provider, [string] $Code) {
	$subject = New-Object -ComObject X509Enrollment.CX500DistinguishedName
	$subject.Encode("CN=$Device")
	$hash = New-Object -ComObject X509Enrollment.CObjectId
	$hash.InitializeFromValue('2.16.840.1.101.3.4.2.1') # SHA-256
	$request = New-Object -ComObject X509Enrollment.CX509CertificateRequestPkcs10
	$request.Initialize($ContextUser)
	$request.Subject = $subject
	$request.HashAlgorithm = $hash
	$request.ChallengePassword = $Code
	$request.PrivateKey.ProviderName = $Provider
	$request.PrivateKey.Length = 2048
	$request.PrivateKey.KeyUsage = $AllUsages
	$request.PrivateKey.ExportPolicy = 0
	$request
}

# What GetCACert would send, but from this file: the portal vouches for these and no others.
function Get-ServerCertificate {
	$all = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2Collection
	foreach ($text in @($Ra, $Issuer) + $Chain | Select-Object -Unique) {
		[void] $all.Add((ConvertTo-Certificate $text))
	}
	[Convert]::ToBase64String($all.Export('Pkcs7'))
}

function New-Enrolment([string] $Provider, [string] $Code) {
	# CertEnroll knows its CA by MD5. It says which of the certificates above is the CA, no more.
	$md5 = [Security.Cryptography.MD5]::Create().ComputeHash([Convert]::FromBase64String($Top))
	$enrolment = New-Object -ComObject X509Enrollment.CX509SCEPEnrollment
	$enrolment.Initialize((New-Request $Provider $Code), [BitConverter]::ToString($md5).Replace('-', ''),
		$Hex, (Get-ServerCertificate), $Base64)
	$enrolment.ServerCapabilities = "AES`nPOSTPKIOperation`nSCEPStandard`nSHA-256"
	$message = $enrolment.CreateRequestMessage($Base64)
	@{ Enrolment = $enrolment; Message = [Convert]::FromBase64String($message) }
}

$code = ((Read-Host -Prompt $SayAskCode) -replace '\s', '').ToUpperInvariant()
if ($code -notmatch '\A[0-9A-F]{32}\z') { throw $SayBadCode }

try {
	$made = New-Enrolment 'Microsoft Platform Crypto Provider' $code # the TPM
} catch {
	$made = New-Enrolment 'Microsoft Software Key Storage Provider' $code
}
$reply = Invoke-WebRequest -UseBasicParsing -Method Post -Uri "${Url}?operation=PKIOperation" `
	-ContentType 'application/x-pki-message' -Body $made.Message
$disposition = $made.Enrolment.ProcessResponseMessage(
	[Convert]::ToBase64String($reply.RawContentStream.ToArray()), $Base64)
if ($disposition -ne $Success) { throw $SayNotIssued }

# The certificate is in the person's store now. Windows asks before it trusts the network's authority.
Add-ToStore 'CA' (ConvertTo-Certificate $Issuer)
$root = ConvertTo-Certificate $Anchor
if (-not (Test-Path "Cert:\CurrentUser\Root\$($root.Thumbprint)")) {
	Write-Host "$SayTrust $($root.Thumbprint)"
	Add-ToStore 'Root' $root
}

$file = [IO.Path]::GetTempFileName()
try {
	[IO.File]::WriteAllText($file, $Wlan, (New-Object System.Text.UTF8Encoding $false))
	& "$env:SystemRoot\System32\netsh.exe" wlan add profile "filename=$file" user=current
	if ($LASTEXITCODE -ne 0) { throw "netsh: $LASTEXITCODE" }
} finally {
	Remove-Item -LiteralPath $file
}
Write-Host "$SayDone $Ssid"

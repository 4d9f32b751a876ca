//! placeholder
#[test] fn a() {
 use selvedge::*; use std::time::*; use std::sync::Arc;
 let s=Arc::new(Semaphore::new(0)); let e=Arc::new(Event::new()); let l=Arc::new(Lock::new());
 let v: Vec<_>=(0..4).map(|_|{let (s,e,l)=(s.clone(),e.clone(),l.clone()); std::thread::spawn(move||{e.wait(); for _ in 0..10000{ s.acquire().forget(); let _g=l.acquire(); } })}).collect();
 e.set(); for _ in 0..40000 { s.release(1).unwrap(); }
 for h in v {h.join().unwrap();}
 let t=std::time::Instant::now();
 assert!(s.acquire_timeout(Duration::from_millis(20)).is_err()); println!("{:?}",t.elapsed());
}
